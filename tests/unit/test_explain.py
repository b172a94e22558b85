"""`promote.py explain`: a code that somebody has just seen for the first time, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from basics.error_codes import error_codes
from helpers import Result, call_script, run_script


def explain(folder: Path, *arguments: str) -> Result:
    result = call_script(folder, "promote", "explain", *arguments)
    assert result.exit_code == 0, result.stderr
    return result


def test_a_code_is_told_with_its_exit_code_and_what_mends_it(tmp_path: Path) -> None:
    entry = error_codes()["on-hold"]
    assert explain(tmp_path, "on-hold").stdout.splitlines() == [
        "on-hold (exit code 4)",
        f"  {entry.meaning}",
        f"  fix: {entry.mend}",
    ]


@pytest.mark.parametrize(
    ("code", "shown"),
    [("cycle", "finding"), ("no-server", "exit code 1 or 6"), ("bad-name", "exit code 3 or 64, finding")],
)
def test_it_is_told_as_what_a_code_is_seen(tmp_path: Path, code: str, shown: str) -> None:
    assert explain(tmp_path, code).stdout.splitlines()[0] == f"{code} ({shown})"


def test_programs_get_the_same(tmp_path: Path) -> None:
    entry = error_codes()["bad-name"]
    document: list[dict[str, Any]] = explain(tmp_path, "bad-name", "--json").document["codes"]
    assert document == [
        {"code": "bad-name", "meaning": entry.meaning, "mend": entry.mend, "exit_codes": [3, 64], "finding": True}
    ]


def test_without_a_code_all_are_listed(tmp_path: Path) -> None:
    lines = explain(tmp_path).stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(error_codes())
    assert [each["code"] for each in explain(tmp_path, "--json").document["codes"]] == list(error_codes())


def test_a_code_that_does_not_exist_is_refused_with_those_like_it(tmp_path: Path) -> None:
    result = run_script(tmp_path, "promote", "explain", "lost-rase", "--json")
    error = result.document["error"]
    assert (error["code"], error["exit_code"], result.exit_code) == ("unknown-code", 64, 64)
    assert "lost-race" in error["fix"]
