"""How many scheduled runs a real Mage has completed, as its own scheduler left them in its database."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from helpers import call_script, make_clone, promote, write_program
from mage.pods import FILES, Database, Pod, copy_of, running
from mage.projects import Block, write_project
from mage_pod.waiting import until

EVER = "2013-01-01T00:00:00+00:00"
FINE = "@custom\ndef block(*_, **__):\n    return [1]\n"
BROKEN = "@custom\ndef block(*_, **__):\n    raise ValueError('no milk')\n"
PIPELINES = {name: [Block(f"of_{name}", FINE, type="custom")] for name in ("stock", "returns")}
PIPELINES["orders"] = [Block("of_orders", BROKEN, type="custom")]
ASK = (sys.executable, "-P", "-m", "mage_pod.scheduled_runs")


@dataclass(frozen=True)
class Environment:
    """A Mage that has been at work: `stock` completes by its schedule, `orders` fails, `returns` has none."""

    database: Database

    @property
    def variables(self) -> dict[str, str]:
        """What the scheduler's container has."""
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(FILES), "DB_URL": self.database.url}

    def runs(self, **since: str) -> Any:
        done = subprocess.run(
            ASK, input=json.dumps(since), env=self.variables, cwd="/", capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    def has(self, pipeline: str, status: str, times: int) -> bool:
        return self.count(pipeline, status) >= times

    def moments(self, pipeline: str) -> list[datetime]:
        """Return when each run of the pipeline was made."""
        rows = self.database.ask(
            "SELECT created_at FROM pipeline_run WHERE pipeline_uuid = %s ORDER BY id", pipeline
        )
        return [moment for (moment,) in rows]

    def count(self, pipeline: str, status: str) -> int:
        question = "SELECT count(*) FROM pipeline_run WHERE pipeline_uuid = %s AND status::text = %s"
        ((number,),) = self.database.ask(question, pipeline, status)
        return int(number)


def make_trigger(database: Database, project: Path, pipeline: str, kind: str, interval: str | None) -> int:
    ((number,),) = database.ask(
        "INSERT INTO pipeline_schedule (name, pipeline_uuid, repo_path, schedule_type, schedule_interval, status)"
        " VALUES (%s, %s, %s, %s, %s, 'ACTIVE') RETURNING id",
        *(f"{pipeline} {kind}", pipeline, str(project), kind, interval),
    )
    return int(number)


def make_run(database: Database, trigger: int, pipeline: str, backfill: int | None = None) -> None:
    database.ask(
        "INSERT INTO pipeline_run (pipeline_schedule_id, pipeline_uuid, status, execution_date, backfill_id)"
        " VALUES (%s, %s, 'INITIAL', now(), %s)",
        *(trigger, pipeline, backfill),
    )


@pytest.fixture(scope="module")
def environment(template: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """Each pipeline has been run as often as the tests need; nothing runs any more."""
    project = write_project(tmp_path_factory.mktemp("scheduled runs"), PIPELINES)
    with copy_of(template) as database:
        make_trigger(database, project, "orders", "TIME", "@always_on")
        always = make_trigger(database, project, "stock", "TIME", "@always_on")
        ((backfill,),) = database.ask("INSERT INTO backfill (name) VALUES ('of stock') RETURNING id")
        make_run(database, always, "stock", backfill)
        make_trigger(database, project, "returns", "TIME", "@once")
        make_run(database, make_trigger(database, project, "returns", "API", None), "returns")
        environment = Environment(database)
        with running(Pod("scheduler", project, database, SCHEDULER_TRIGGER_INTERVAL="1")) as pod:
            pod.wait_until_ready()
            for wanted in (("stock", "COMPLETED", 4), ("orders", "FAILED", 2), ("returns", "COMPLETED", 2)):
                until(partial(environment.has, *wanted), f"ended: {wanted}", 60)
        yield environment


def test_completed_and_failed_runs_are_counted_with_the_last_ones_end(environment: Environment) -> None:
    runs, backfills = environment.runs(stock=EVER, orders=EVER), 1
    completed, failed = environment.count("stock", "COMPLETED"), environment.count("orders", "FAILED")
    assert runs["stock"] == {"completed": completed - backfills, "failed": 0, "last": "completed"}
    assert runs["orders"] == {"completed": 0, "failed": failed, "last": "failed"}


def test_what_the_api_or_somebody_started_once_does_not_count(environment: Environment) -> None:
    assert environment.count("returns", "COMPLETED") == 2
    assert environment.runs(returns=EVER) == {"returns": {"completed": 0, "failed": 0, "last": None}}


def test_only_runs_that_were_made_since_then_count(environment: Environment) -> None:
    backfill, first, second, *_ = environment.moments("stock")
    assert backfill < first < second
    ever, since = environment.runs(stock=EVER), environment.runs(stock=second.isoformat())
    assert since["stock"]["completed"] == ever["stock"]["completed"] - 1


def test_a_database_that_is_away_is_an_error_in_its_own_words(environment: Environment) -> None:
    with environment.database.away():
        done = subprocess.run(
            ASK, input="{}", env=environment.variables, cwd="/", capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert "not currently accepting connections" in done.stderr


def test_an_environment_is_observed_through_kubectl(environment: Environment, tmp_path: Path) -> None:
    """The cluster is a stand-in; what it runs in the scheduler's container is real."""
    clone = make_clone(tmp_path)
    promote(clone, "main", "dev")
    containers = [{"env": [{"name": "ENV", "value": "dev"}]}]
    stateful_set = {
        "kind": "StatefulSet",
        "metadata": {"name": "mage-scheduler", "annotations": {"mage/release": "1"}},
        "spec": {"template": {"spec": {"containers": containers}}},
        "status": {"updateRevision": "one"},
    }
    pod = {
        "kind": "Pod",
        "metadata": {"name": "mage-scheduler-0", "labels": {"controller-revision-hash": "one"}},
        "status": {"startTime": "2013-01-01T00:00:00Z"},
    }
    answer = shlex.quote(json.dumps({"items": [stateful_set, pod]}))
    variables = shlex.join(f"{name}={value}" for name, value in environment.variables.items())
    script = f"""case " $* " in *" get "*) echo {answer};; *) while [ "$1" != -- ]; do shift; done; shift 2
cd / && exec env {variables} {shlex.quote(sys.executable)} "$@";; esac"""
    write_program(tmp_path / "programs/kubectl", script)
    path = f"{tmp_path / 'programs'}:{os.environ['PATH']}"
    result = call_script(clone, "promote", "observe", "dev", "--json", PATH=path)
    assert result.exit_code == 0, result.stderr
    stock = result.document["observed"]["stock"]
    assert stock["since"] == 1
    assert stock["completed"] == 0, "all of that was before the release"
