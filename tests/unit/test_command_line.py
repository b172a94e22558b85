"""The scripts as programs: closed streams, signals, an old Python, and the folder that they start in."""

from __future__ import annotations

import ast
import os
import shlex
import shutil
import signal
import sys
from pathlib import Path

import pytest

from helpers import (
    SCRIPTS,
    Program,
    Result,
    call_script,
    command,
    environment,
    promote,
    push,
    refused,
    run_command,
    run_script,
    write,
    write_program,
)


def shell(clone: Path, line: str) -> Result:
    """Run `line` in bash; its exit code is the first one of a pipe that is not 0."""
    return run_command(["bash", "-o", "pipefail", "-c", line], clone)


@pytest.mark.parametrize("arguments", [["--json"], []], ids=["json", "text"])
def test_a_reader_that_went_away_ends_a_command_quietly(promoted_to_dev: Path, arguments: list[str]) -> None:
    result = shell(promoted_to_dev, f"{shlex.join(command('status', *arguments))} | true")
    assert (result.exit_code, result.stderr) == (141, "")


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "0<&- 2>&-"])
def test_a_closed_stream_changes_nothing_else(project: Path, closed: str) -> None:
    result = shell(project, f"{shlex.join(command('promote', 'main', 'dev', '--plan'))} {closed}")
    assert result.exit_code == 2
    assert "+ orders" in result.stdout


def test_closed_output_keeps_the_exit_code(project: Path) -> None:
    assert shell(project, f"{shlex.join(command('promote', 'main', 'dev', '--plan'))} >&-").exit_code == 2


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda script: script.name)
def test_an_old_python_can_read_what_tells_it_to_step_aside(script: Path) -> None:
    tree = ast.parse(script.read_text(), feature_version=(3, 6))
    assert not any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in ast.walk(tree))


def test_an_old_python_is_told_which_one_is_needed(project: Path, tmp_path: Path) -> None:
    pretend = "import sys\nsys.version_info = (3, 9, 2)\n"  # .venv's Python too: it does not start over for ever
    (tmp_path / "sitecustomize.py").write_text(pretend)
    result = run_script(project, "status", PYTHONPATH=str(tmp_path))
    assert result.exit_code == 1
    assert "This needs Python 3.11 or newer" in result.stderr


def test_ctrl_c_during_the_imports_is_quiet(project: Path, tmp_path: Path) -> None:
    (tmp_path / "argparse").mkdir()
    (tmp_path / "argparse/__init__.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    result = run_script(project, "status", PYTHONPATH=str(tmp_path))
    assert (result.exit_code, result.stderr) == (130, "")


def imports(clone: Path, name: str, *arguments: str) -> set[str]:
    """Run a script and return the packages that it imported."""
    told = run_script(clone, name, *arguments, PYTHONPROFILEIMPORTTIME="1").stderr
    lines = (line for line in told.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "in_venv"))
def test_help_waits_for_no_package(project: Path, script: str) -> None:
    known = imports(project, script, "--help")
    assert "promotion" in known
    assert not known & {"yaml", "rich", "psycopg2", "kubernetes", "mage_ai", "pandas", "argcomplete"}


def test_what_does_not_run_pipelines_does_without_mage(promoted_to_dev: Path) -> None:
    for script, *arguments in (["status"], ["promote", "dev", "staging", "--plan"]):
        known = imports(promoted_to_dev, script, *arguments)
        assert "yaml" in known
        assert not known & {"rich", "psycopg2", "kubernetes", "mage_ai", "pandas"}


WAIT = """
import sys, tempfile, time
from types import SimpleNamespace
from promotion.cli.boundary import run

def wait(options):
    with tempfile.TemporaryDirectory() as folder:
        print(folder, flush=True)
        for _ in range(600):  # a signal just before a long sleep would wait for its end
            time.sleep(0.1)
        yield from ()

sys.exit(run(SimpleNamespace(__name__="wait", TAKES=(), run=wait), []))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_lets_a_command_clean_up(number: signal.Signals) -> None:
    process = Program(sys.executable, "-c", WAIT, environment=environment(PYTHONPATH=str(SCRIPTS)))
    folder = Path(process.line().strip())
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, folder.exists()) == (130, False)
    assert "error[interrupted]" in stderr


def test_a_surprise_is_told_with_a_file_that_has_its_traceback(project: Path, tmp_path: Path) -> None:
    write_program(
        tmp_path / "bin" / "git",
        f'case " $* " in *" ls-remote "*) echo nonsense;; *) exec {shutil.which("git")} "$@";; esac',
    )
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    result = run_script(project, "status", "--json", PATH=path, TMPDIR=str(tmp_path))
    error = result.document["error"]
    assert (error["code"], error["exit_code"], result.exit_code) == ("unexpected", 1, 1)
    assert Path(error["fix"].removeprefix("see ")).read_text().startswith("Traceback")


def test_a_sub_folder_stands_for_its_clone(project: Path) -> None:
    shutil.rmtree(project / "mage_project/pipelines")  # with none, Mage does not have to start
    result = call_script(project / "mage_project/utils", "verify", "--json")
    assert result.document["verified"]["folder"] == str(project)


@pytest.mark.parametrize(("folder", "what"), [("environments", "dev"), (".", "dev")])
def test_an_environment_wins_over_a_folder_of_its_name(promoted_to_dev: Path, folder: str, what: str) -> None:
    (promoted_to_dev / "dev").mkdir()
    result = call_script(promoted_to_dev / folder, "verify", what, "--json")
    assert result.document["verified"]["environment"] == "dev", result.stderr


@pytest.mark.parametrize("what", ["./prod", "no/such", "..nowhere", "README.md"])
def test_a_path_that_is_no_folder_is_named_as_one(project: Path, what: str) -> None:
    error = refused(project, "verify", what)
    assert (error["code"], error["exit_code"]) == ("no-folder", 64)


def test_a_plan_says_that_smoke_is_not_asked_for(project: Path) -> None:
    assert "(smoke: not required)" in call_script(project, "promote", "main", "dev", "--plan").stdout


def test_what_a_first_release_replaced_is_not_offered(project: Path) -> None:
    assert "Take it back" not in call_script(project, "promote", "main", "dev", "--yes").stdout


def test_a_reason_is_one_line_wherever_it_is_told(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {"mage_project/utils/money.py": "rounded = abs\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev", "--reason", " two\nlines\n\nHOLD dev: none ")
    shown = call_script(promoted_to_dev, "status").stdout.splitlines()
    assert len([line for line in shown if line.endswith(": two lines HOLD dev: none")]) == 1
    assert not any(line.startswith("HOLD") for line in shown)


def test_a_later_release_says_how_to_take_it_back(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {"mage_project/utils/money.py": "rounded = abs\n"})
    push(promoted_to_dev)
    released = call_script(promoted_to_dev, "promote", "main", "dev", "--yes").stdout
    assert "Take it back: scripts/rollback.py dev --to 1 --reason TEXT\n" in released
