"""Content that only stands for other content is never released as if it were the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import PROJECT, block, only, places, push, refused, static_findings, write, write_pipeline

RATES = f"{PROJECT}/data/rates.csv"
BLOCK = f"{PROJECT}/custom/x.py"
CODE = "@custom\ndef run(*args, **kwargs):\n    open('data/rates.csv')\n"
SHA = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
POINTERS: dict[str, str | bytes] = {
    "Git LFS": f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA}\nsize 12345\n",
    "git-annex": f"/annex/objects/SHA256E-s12345--{SHA}.csv\n",
    "git-fat": f"#$# git-fat {SHA[:40]}                12345\n",
    "git-xet": f"# xet version 0\nfilesize = 12345\nhash = '{SHA}'\n",
    "git-crypt": b"\0GITCRYPT\0\x9b\x8c\x01",
}


@pytest.fixture
def reading(sources: Path) -> Path:
    """A project whose pipeline `reading` reads a file."""
    write(sources, {BLOCK: CODE, RATES: "a\n"})
    write_pipeline(sources, "reading", [block("x", "custom")])
    assert static_findings(sources) == []
    return sources


@pytest.mark.parametrize("tool", POINTERS)
def test_a_pointer_that_a_pipeline_reads_is_refused_with_its_tool(reading: Path, tool: str) -> None:
    finding = only(static_findings(reading, {RATES: POINTERS[tool]}))
    assert places([finding]) == [("stands-for-content", RATES, None)]
    assert tool in finding.problem


@pytest.mark.parametrize("tool", POINTERS)
def test_a_pointer_that_no_pipeline_reads_is_nobodys_business(reading: Path, tool: str) -> None:
    assert static_findings(reading, {f"{PROJECT}/data/unused.csv": POINTERS[tool]}) == []


def test_a_link_into_the_annex_is_one_finding(reading: Path) -> None:
    (reading / RATES).unlink()
    (reading / RATES).symlink_to(f"../../.git/annex/objects/Zx/0k/SHA256E-s1--{SHA}.csv/SHA256E-s1--{SHA}.csv")
    assert places(static_findings(reading)) == [("stands-for-content", RATES, None)]


def test_a_link_into_the_annex_that_no_pipeline_reads_is_nobodys_business(reading: Path) -> None:
    (reading / PROJECT / "data/unused.csv").symlink_to(f"../../.git/annex/objects/Zx/0k/SHA256-s1--{SHA}")
    assert static_findings(reading) == []


@pytest.mark.parametrize("stand_in", [f"{RATES}.dvc", f"{PROJECT}/data.dvc"])
def test_a_file_that_dvc_keeps_is_refused_where_code_names_it(reading: Path, stand_in: str) -> None:
    (reading / RATES).unlink()
    finding = only(static_findings(reading, {stand_in: f"outs:\n- md5: {SHA[:32]}\n  path: rates.csv\n"}))
    assert places([finding]) == [("stands-for-content", BLOCK, 3)]
    assert "DVC" in finding.problem
    assert stand_in in finding.problem


def test_a_file_of_dvc_that_no_pipeline_reads_is_nobodys_business(reading: Path) -> None:
    assert static_findings(reading, {f"{PROJECT}/data/other.csv.dvc": "outs:\n- path: other.csv\n"}) == []


def test_without_gates_a_pointer_is_refused_too(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {BLOCK: CODE, RATES: POINTERS["Git LFS"]})
    write_pipeline(promoted_to_dev, "reading", [block("x", "custom")])
    push(promoted_to_dev)
    error = refused(promoted_to_dev, "promote", "main", "dev", "-p", "reading", "--yes")
    assert (error["code"], [finding["path"] for finding in error["findings"]]) == ("untold-files", [RATES])
