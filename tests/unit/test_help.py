"""Every command explains itself: its help, its version, and what is nearest to a slip of the hand."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from helpers import (
    SCRIPTS,
    call_script,
    promote,
    push,
    record,
    refused,
    released_text,
    run_script,
    write_environment,
)
from promotion.cli import promote as promote_script
from promotion.cli.parser import parser_of
from promotion.options import VERBS
from promotion.record.release import Release
from promotion.version import VERSION

ROOT = SCRIPTS.parent
ELSEWHERE: Mapping[str, str] = {"demo": "demonstration.demo", "write_reference": "reference.write_reference"}
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "in_venv")
COMMANDS = [(name,) for name in NAMES] + [("promote", verb) for verb in VERBS]


def help_of(name: str, *words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the script `name` prints for `words` and --help."""
    command = import_module(ELSEWHERE.get(name, f"promotion.cli.{name}"))
    with pytest.raises(SystemExit) as end:
        parser_of(command).parse_args([*words, "--help"])
    assert end.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("name", NAMES)
def test_help_is_all_that_a_script_does_then(project: Path, name: str, option: str) -> None:
    before = sorted(project.rglob("*"))
    result = run_script(project, name, option)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"usage: {name}.py")
    assert "exit codes:" in result.stdout
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("columns", [80, 140])
def test_help_fits_its_terminal(
    words: tuple[str, ...], columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = help_of(*words, capsys=capsys)
    assert max(map(len, shown.splitlines())) <= columns
    assert f"scripts/{words[0]}.py" in shown  # an example


def test_the_first_help_has_a_line_for_each_verb(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listing = help_of("promote", capsys=capsys).partition("verbs:")[2].partition("\n\n")[0].splitlines()[2:]
    assert [line.split()[0] for line in listing] == list(VERBS)
    assert all(len(line.split()) > 1 for line in listing)


def test_the_names_that_no_environment_takes_are_the_verbs() -> None:
    files = {path.stem for path in (SCRIPTS / "promotion/cli/verbs").glob("*.py")} - {"__init__"}
    (verbs,) = (action.choices for action in parser_of(promote_script)._actions if action.metavar == "VERB")
    assert set(VERBS) == files == set(verbs or ())


@pytest.mark.parametrize("verb", VERBS)
def test_an_environment_is_not_called_like_a_verb(project: Path, verb: str) -> None:
    write_environment(project, verb, "main")
    push(project)
    error = refused(project, "verify")
    assert (error["code"], error["exit_code"]) == ("bad-configuration", 3)
    assert f"it is a verb of scripts/promote.py {verb}" in error["findings"][0]["problem"]


def test_the_word_promote_may_be_typed(project: Path) -> None:
    short, long = (
        call_script(project, "promote", *words, "main", "dev", "--plan") for words in ((), ("promote",))
    )
    assert (short.exit_code, short.stdout) == (2, long.stdout)
    assert call_script(project, "promote", "--plan", "main", "dev").stdout == long.stdout


@pytest.mark.parametrize("name", NAMES)
def test_each_script_knows_its_version(project: Path, name: str) -> None:
    assert run_script(project, name, "--version").stdout == f"{VERSION}\n"


@pytest.mark.parametrize("words", [["ratify"], ["main", "dev"]])
def test_so_does_each_verb(project: Path, words: list[str]) -> None:
    assert run_script(project, "promote", *words, "--version").stdout == f"{VERSION}\n"


def test_there_is_one_version(promoted_to_dev: Path) -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((ROOT / "charts/mage/Chart.yaml").read_text())["version"]
    assert VERSION == package == chart == record(promoted_to_dev, "dev")["made_with"]
    assert f"\n## {VERSION}\n" in (ROOT / "CHANGELOG.md").read_text()


def test_a_record_from_before_it_said_its_version_is_read(promoted_to_dev: Path) -> None:
    overlay = yaml.safe_load(released_text(promoted_to_dev, "dev", "release.yaml"))
    del overlay["release"]["made_with"]
    overlay["release"]["format_version"] = "1.2"
    assert Release.from_yaml(yaml.safe_dump(overlay), "").made_with == ""


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (
            ["promote", "main", "dev", "--pln"],
            "one of --plan, --pr, --pipeline; scripts/promote.py promote --help",
        ),
        (["promote", "main", "dev", "--yess=1"], "write --yes; scripts/promote.py promote --help"),
        (["promote", "backfill", "dev", "--wave"], "write --waive; scripts/promote.py backfill --help"),
        (["rollback", "dev", "--raeson", "x"], "one of --reason, --json, --version; scripts/rollback.py --help"),
        (["status", "-v"], "one of --help, --html, --json, --live, --quiet, --version; scripts/status.py --help"),
        (["rollback", "--hepl"], "one of --help, --plan, --pr; scripts/rollback.py --help"),
        (["promote", "--verison"], "one of --version, --reason, --json; scripts/promote.py promote --help"),
        (["status", "prd"], "write prod"),
        (["promote", "main", "stagin"], "write staging; a new one starts with environments/stagin/ on main"),
        (["promote", "mian", "dev"], "write main"),
        (["rollback", "deev", "--reason", "x"], "write dev"),
        (["promote", "aply", "plan.json"], "did you mean apply? scripts/promote.py apply --help"),
        (["promote", "finalise", "dev"], "did you mean finalize? scripts/promote.py finalize --help"),
        (["promote", "whi", "orders", "README.md"], "did you mean why? scripts/promote.py why --help"),
        (["promote", "rollback", "dev"], "it is a script of its own: scripts/rollback.py --help"),
        (["promote", "main", "dev", "prod"], "scripts/promote.py promote --help"),
        (["run", ".", "-p", "ordres"], "write orders"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_of_the_hand_is_told_what_is_nearest(project: Path, words: list[str], fix: str) -> None:
    error = refused(project, *words)
    assert (error["fix"], error["exit_code"]) == (fix, 64)


def test_a_word_that_is_nearly_a_verb_has_a_code_of_its_own(project: Path) -> None:
    assert refused(project, "promote", "aply", "plan.json")["code"] == "unknown-verb"


@pytest.mark.parametrize("name", ["dev", "demo", "write_reference"])
def test_what_a_script_does_not_know_is_refused_by_all(project: Path, name: str) -> None:
    result = run_script(project, name, "--no-such-option")
    assert result.exit_code == 64
    assert "there is no option --no-such-option" in result.stderr


def test_an_environment_that_is_nearly_a_verb_can_be_promoted(project: Path) -> None:
    write_environment(project, "approval", "main")
    push(project)
    promote(project, "main", "approval")
    write_environment(project, "dev", "approval")
    push(project)
    assert call_script(project, "promote", "approval", "dev", "--plan").exit_code == 2


def test_quiet_leaves_the_result(project: Path) -> None:
    told, quiet = (call_script(project, "promote", "main", "dev", "--plan", *more) for more in ((), ("-q",)))
    assert "✓ read main and dev" in told.stderr
    assert (quiet.stderr, quiet.stdout) == ("", told.stdout)
