"""The command of an executor pod, as Mage's executor starts it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers import Program
from mage.pods import FILES, Database, copy_of
from mage.projects import Block, write_project
from mage_pod.waiting import until

RUN_APP = FILES / "run_app.sh"


def environment(**variables: str) -> dict[str, str]:
    python = str(Path(sys.executable).parent)
    return {"PATH": f"{python}:{os.environ['PATH']}", "PYTHONPATH": str(FILES), "ENV": "dev"} | variables


def started(*command: str, **variables: str) -> Program:
    url = {"DB_HOST": "db", "DB_NAME": "mage", "DB_USER": "mage", "DB_PASS": "p@ss:w/rd%"}
    return Program(RUN_APP, *command, environment=environment(**(variables or url)))


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
    until(lambda: pid.exists() and pid.read_text(), "started")
    process.terminate()
    assert process.wait(10) == 128 + signal.SIGTERM
    assert not Path("/proc", pid.read_text().strip()).exists()


def test_without_a_database_it_says_what_to_set() -> None:
    process = started("true", HOME="/")
    _, error = process.communicate(timeout=20)
    assert process.returncode == 1
    assert error.startswith("No database is set: set DB_URL")


@dataclass(frozen=True)
class Run:
    """A run of one block, which Mage has given to an executor pod."""

    folder: Path
    database: Database
    code: str
    id: int
    block_run: int

    def started(self, *, in_one: bool = False) -> Program:
        """Start the pod of its block, or, `in_one`, of the whole run."""
        block = Block("load", f"@data_loader\ndef load(*a, **k):\n    {self.code}\n", type="data_loader")
        project = write_project(self.folder, {"one": [block]})
        of_block = [] if in_one else ["--block-uuid", "load", "--block-run-id", str(self.block_run)]
        options = ["--executor-type", "local_python", "--execution-partition", "1/2", *of_block]
        variables = {"DB_URL": self.database.url, "MAGE_DATA_DIR": str(self.folder / "data"), "HOME": "/"}
        return started(
            "mage", "run", str(project), "one", *options, "--pipeline-run-id", str(self.id), **variables
        )

    def status(self) -> str:
        ((status,),) = self.database.ask("SELECT status::text FROM block_run WHERE id = %s", self.block_run)
        return str(status)


@pytest.fixture
def run(template: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Run]:
    """A run whose block has the test's parameter as its code."""
    with copy_of(template) as database:
        ((trigger,),) = database.ask(
            "INSERT INTO pipeline_schedule (name, pipeline_uuid) VALUES ('test', 'one') RETURNING id"
        )
        ((number,),) = database.ask(
            "INSERT INTO pipeline_run (pipeline_schedule_id, pipeline_uuid, status, execution_date)"
            " VALUES (%s, 'one', 'RUNNING', now()) RETURNING id",
            trigger,
        )
        ((block_run,),) = database.ask(
            "INSERT INTO block_run (pipeline_run_id, block_uuid, status) VALUES (%s, 'load', 'RUNNING')"
            " RETURNING id",
            number,
        )
        yield Run(tmp_path, database, request.param.format(folder=tmp_path), number, block_run)


@pytest.mark.parametrize("run", ["print('loaded it'); return [1]"], indirect=True)
def test_a_block_runs_as_mage_s_executor_starts_it(run: Run) -> None:
    process = run.started()
    output, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert "loaded it" in output + error
    assert run.status() == "COMPLETED"


WAITING = """import pathlib, time
    pathlib.Path('{folder}/begun').touch()
    while not pathlib.Path('{folder}/go').exists(): time.sleep(0.02)
    return [1]"""


@pytest.mark.parametrize("run", [WAITING], indirect=True)
def test_a_block_that_ends_while_the_database_restarts_is_reported_as_completed(run: Run) -> None:
    process = run.started()
    until((run.folder / "begun").exists, "begun", 60)
    with run.database.away():
        (run.folder / "go").touch()
        assert "Waiting for the database" in next(line for line in process.stderr or [] if "Waiting for" in line)
        assert process.poll() is None
    _, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert run.status() == "COMPLETED"


@pytest.mark.parametrize("run", ["return [1]"], indirect=True)
def test_a_block_whose_pod_starts_while_the_database_restarts_runs(run: Run) -> None:
    with run.database.away():
        process = run.started()
        assert any("Waiting for the database" in line for line in process.stderr or [])
    process.communicate(timeout=60)
    assert (process.returncode, run.status()) == (0, "COMPLETED")


@pytest.mark.parametrize("run", ["raise ValueError('twice')"], indirect=True)
def test_a_block_that_the_pod_before_had_completed_does_not_run_again(run: Run) -> None:
    run.database.ask("UPDATE block_run SET status = 'COMPLETED'")
    process = run.started()
    _, error = process.communicate(timeout=60)
    assert (process.returncode, run.status()) == (0, "COMPLETED"), error


@pytest.mark.parametrize("run", ["return [1]"], indirect=True)
def test_a_block_that_the_pod_before_had_begun_runs_again_in_a_run_of_one_pod(run: Run) -> None:
    process = run.started(in_one=True)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, run.status()) == (0, "COMPLETED"), error


@pytest.mark.parametrize("run", ["raise ValueError('no\\nflights')"], indirect=True)
def test_the_last_line_of_a_failed_block_s_log_is_its_error(run: Run) -> None:
    process = run.started()
    _, error = process.communicate(timeout=60)
    assert (process.returncode, run.status()) == (1, "FAILED")
    assert error.splitlines()[-1] == "ValueError: no flights"


@pytest.mark.parametrize("run", ["raise ValueError('no flights')"], indirect=True)
def test_a_failed_block_s_error_is_where_mage_s_ui_shows_it(run: Run) -> None:
    run.started().communicate(timeout=60)
    ((metrics,),) = run.database.ask("SELECT metrics FROM block_run WHERE id = %s", run.block_run)
    assert metrics["error"]["error"] == "no flights"
    assert "in load" in metrics["error"]["message"]
