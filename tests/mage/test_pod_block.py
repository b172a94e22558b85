"""The command of an executor pod, as Mage's executor starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mage.pods import FILES, Database, wait_until
from mage.projects import Block, write_project

RUN_APP = FILES / "run_app.sh"


def environment(**variables: str) -> dict[str, str]:
    python = str(Path(sys.executable).parent)
    return {"PATH": f"{python}:{os.environ['PATH']}", "PYTHONPATH": str(FILES), "ENV": "dev"} | variables


def started(*command: str, **variables: str) -> subprocess.Popen[str]:
    url = {"DB_HOST": "db", "DB_NAME": "mage", "DB_USER": "mage", "DB_PASS": "p@ss:w/rd%"}
    return subprocess.Popen(
        [RUN_APP, *command], env=environment(**(variables or url)), cwd="/", text=True, stdout=-1, stderr=-1
    )


def test_the_command_finds_the_database_s_address() -> None:
    output, _ = started("sh", "-c", 'echo "$MAGE_DATABASE_CONNECTION_URL"').communicate(timeout=20)
    assert output.startswith("postgresql+psycopg2://mage:")
    assert "db:5432/mage" in output


@pytest.mark.parametrize("code", [0, 1, 77])
def test_its_exit_code_is_the_command_s(code: int) -> None:
    assert started("sh", "-c", f"exit {code}").wait(20) == code


def test_a_command_that_a_signal_ended_gives_128_and_its_number() -> None:
    assert started("sh", "-c", "kill -9 $$").wait(20) == 128 + signal.SIGKILL


def test_arguments_arrive_as_they_are() -> None:
    output, _ = started("printf", "%s|", "a b", "$HOME", "'").communicate(timeout=20)
    assert output == "a b|$HOME|'|"


def test_sigterm_ends_the_command(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    process = started("sh", "-c", f"echo $$ > {pid}; exec sleep 300")
    wait_until(lambda: pid.exists() and pid.read_text(), "started")
    process.terminate()
    assert process.wait(10) == 128 + signal.SIGTERM
    assert not Path("/proc", pid.read_text().strip()).exists()


def test_without_a_database_it_says_what_to_set() -> None:
    process = started("true", HOME="/")
    _, error = process.communicate(timeout=20)
    assert process.returncode == 1
    assert error.startswith("No database is set: set DB_URL")


def test_a_block_runs_as_mage_s_executor_starts_it(tmp_path: Path, template: Database) -> None:
    load = Block(
        "load", "@data_loader\ndef load(*a, **k):\n    print('loaded it')\n    return [1]\n", type="data_loader"
    )
    project = write_project(tmp_path, {"one": [load]})
    arguments = ["one", "--block-uuid", "load", "--executor-type", "local_python", "--execution-partition", "1/2"]
    variables = {"DB_URL": template.url, "MAGE_DATA_DIR": str(tmp_path / "data"), "HOME": str(tmp_path)}
    process = started("mage", "run", str(project), *arguments, **variables)
    output, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert "loaded it" in output + error
