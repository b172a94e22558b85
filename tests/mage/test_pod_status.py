"""What the container beside the scheduler tells of a real Mage's runs and triggers, from its database."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from mage.pods import Database, Pod, copy_of, running
from mage.projects import Block, write_project
from mage.test_pod_schedules import Environment
from mage_pod import release, trigger_drift
from mage_pod.waiting import until
from promotion.cluster.scheduler_status import Counts, Runs, SchedulerStatus, read_status

FINE = "@custom\ndef block(*_, **__):\n    return [1]\n"
BROKEN = "@custom\ndef block(*_, **__):\n    raise ValueError('no milk')\n"
PIPELINES = {name: [Block(f"of_{name}", FINE, type="custom")] for name in ("stock", "returns")}
PIPELINES["orders"] = [
    Block("of_orders", FINE, type="custom"),
    Block("late", BROKEN, ["of_orders"], type="custom"),
]
IMAGE = "registry.example.com/mage:1"
BACKFILLED = 1
DAILY = {
    "pipeline": "orders",
    "interval": "@daily",
    "enabled": True,
    "timeout": 3600,
    "variables": {"share": 0.05},
}


@dataclass(frozen=True)
class Site:
    """A Mage that was at work with release 7: `stock` completes by its schedule, `orders` fails."""

    project: Path
    database: Database

    def pod(self, module: str, **variables: str) -> Pod:
        around = self.project.parent
        own = {"MAGE_POD_IMAGE": IMAGE, "MAGE_POD_RELEASE": str(around / "release.json")}
        own["MAGE_POD_CHECKOUTS"] = str(around / "checkouts")
        return Pod(module, self.project, self.database, **own, **variables)

    def announce(self, number: int, image: str = IMAGE) -> None:
        """Write what the chart has in its ConfigMap."""
        (self.project.parent / "release.json").write_text(json.dumps({"number": number, "image": image}))

    def told(self) -> SchedulerStatus:
        """Return the first line of a new container."""
        with running(self.pod("status")) as pod:
            return first_line(pod)

    def trigger(self, pipeline: str, kind: str, interval: str | None, name: str = "") -> int:
        ((number,),) = self.database.ask(
            "INSERT INTO pipeline_schedule (name, pipeline_uuid, repo_path, schedule_type, schedule_interval,"
            " status) VALUES (%s, %s, %s, %s, %s, 'ACTIVE') RETURNING id",
            *(name or f"{pipeline} {kind}", pipeline, str(self.project), kind, interval),
        )
        return int(number)

    def run(self, trigger: int, pipeline: str, backfill: int | None = None) -> None:
        self.database.ask(
            "INSERT INTO pipeline_run (pipeline_schedule_id, pipeline_uuid, status, execution_date, backfill_id)"
            " VALUES (%s, %s, 'INITIAL', now(), %s)",
            *(trigger, pipeline, backfill),
        )

    def ended(self, pipeline: str, status: str, release: int = 7) -> list[int]:
        """Return the numbers of the pipeline's runs of a release that ended so."""
        question = (
            "SELECT id FROM pipeline_run WHERE pipeline_uuid = %s AND status::text = %s"
            " AND metrics->>'release' = %s ORDER BY id"
        )
        return [number for (number,) in self.database.ask(question, pipeline, status, str(release))]


def first_line(pod: Pod) -> SchedulerStatus:
    return line_after(pod, 0)


def line_after(pod: Pod, number: int) -> SchedulerStatus:
    """Wait until the container has told more than `number` lines; return the next one."""
    lines = until(lambda: pod.log.read_text().splitlines(), "a line", 40, enough=lambda said: len(said) > number)
    return read_status(lines[number])


@pytest.fixture(scope="module")
def site(template: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Each pipeline has been run as often as the tests need; nothing runs any more."""
    project = write_project(tmp_path_factory.mktemp("status") / "around", PIPELINES)
    with copy_of(template) as database:
        site = Site(project, database)
        site.announce(7)
        site.trigger("orders", "TIME", "@always_on")
        always = site.trigger("stock", "TIME", "@always_on")
        ((backfill,),) = database.ask("INSERT INTO backfill (name) VALUES ('of stock') RETURNING id")
        site.run(always, "stock", backfill)
        site.trigger("returns", "TIME", "@once")
        site.run(site.trigger("returns", "API", None), "returns")
        site.run(site.trigger("returns", "API", None, "helm test"), "returns")
        with running(site.pod("scheduler", SCHEDULER_TRIGGER_INTERVAL="1")) as pod:
            pod.wait_until_ready()
            for pipeline, status, times in (("stock", "COMPLETED", 4), ("orders", "FAILED", 2)):
                until(partial(_at_least, site, pipeline, status, times), f"{pipeline} {status}", 60)
            until(partial(_at_least, site, "returns", "COMPLETED", 3), "returns", 60)
        yield site


def _at_least(site: Site, pipeline: str, status: str, times: int) -> bool:
    return len(site.ended(pipeline, status)) >= times


def test_ended_runs_are_counted_by_what_made_them(site: Site) -> None:
    status = site.told()
    completed = site.ended("stock", "COMPLETED")
    stock = status.runs["stock"][7]
    assert (status.release, status.problem) == (7, None)
    assert (stock.scheduled.completed, stock.other.completed) == (len(completed) - BACKFILLED, BACKFILLED)
    assert stock.last is not None
    assert (stock.last.run, stock.last.status) == (completed[-1], "completed")
    assert stock.first is not None
    assert stock.first.run == completed[0]


def test_of_a_failure_the_block_is_told_that_failed_first(site: Site) -> None:
    orders, failed = site.told().runs["orders"][7], site.ended("orders", "FAILED")
    assert (orders.scheduled.completed, orders.scheduled.failed) == (0, len(failed))
    assert orders.first is not None
    assert (orders.first.run, orders.first.status, orders.first.block) == (failed[0], "failed", "late")
    assert (datetime.now(UTC) - orders.first.at).total_seconds() < 600


def test_what_the_api_or_somebody_started_once_is_no_scheduled_run(site: Site) -> None:
    returns = site.told().runs["returns"][7]
    assert returns.scheduled == Counts()
    assert returns.completed == 2, "that of helm test is none of them"


def test_runs_that_go_on_are_counted(site: Site) -> None:
    trigger = site.trigger("new", "API", None)
    site.database.ask(
        "INSERT INTO pipeline_run (pipeline_schedule_id, pipeline_uuid, status, metrics)"
        " VALUES (%s, 'new', 'RUNNING', '{\"release\": 8}'), (%s, 'new', 'RUNNING', '{\"commit\": \"x\"}')",
        *(trigger, trigger),
    )
    assert site.told().runs["new"] == {8: Runs(running=1)}, "without a number a run is of no release"


def test_only_the_last_ten_releases_of_a_pipeline_are_told(site: Site) -> None:
    trigger = site.trigger("old", "API", None)
    site.database.ask(
        "INSERT INTO pipeline_run (pipeline_schedule_id, pipeline_uuid, status, metrics)"
        " SELECT %s, 'old', 'COMPLETED', json_build_object('release', n) FROM generate_series(1, 15) AS n",
        trigger,
    )
    assert sorted(site.told().runs["old"]) == list(range(6, 16))


def test_it_outlives_a_database_that_is_away_and_ends_at_once(site: Site) -> None:
    with running(site.pod("status")) as pod:
        with site.database.away():
            away = first_line(pod)
        assert away.problem is not None
        assert "not currently accepting connections" in away.problem
        assert (away.release, away.runs) == (7, {})
        back = line_after(pod, 1)
        assert back.problem is None
        assert "stock" in back.runs
        began = time.monotonic()
        pod.terminate()
        pod.exit_code()
        assert time.monotonic() - began < 2


def test_a_run_has_the_number_that_came_with_its_image(site: Site) -> None:
    """While an upgrade is on its way, the old pod still starts runs of the old image."""
    trigger = site.trigger("returns", "API", None)
    with running(site.pod("scheduler", SCHEDULER_TRIGGER_INTERVAL="1")) as pod:
        pod.wait_until_ready()
        site.run(trigger, "returns")
        until(partial(_at_least, site, "returns", "COMPLETED", 4), "a run of release 7", 60)
        site.announce(8, "registry.example.com/mage:2")
        site.run(trigger, "returns")
        until(partial(_at_least, site, "returns", "COMPLETED", 5), "a run of the old image", 60)
        site.announce(9)
        site.run(trigger, "returns")
        until(lambda: site.ended("returns", "COMPLETED", 9), "a run of the next number", 60)
    assert site.told().runs["returns"].keys() == {7, 9}


@pytest.mark.parametrize(
    ("text", "number"), [("release:\n  number: 12\n", 12), ("release: {}\n", None), ("- x\n", None), (None, None)]
)
def test_a_checkout_of_git_has_the_number_in_its_record(
    tmp_path: Path, text: str | None, number: int | None
) -> None:
    if text is not None:
        (tmp_path / "release.yaml").write_text(text)
    assert release.number(tmp_path) == number


@pytest.fixture
def applied(template: Database, tmp_path: Path) -> Iterator[Environment]:
    """An environment whose triggers are as its values say."""
    with copy_of(template) as database:
        environment = Environment(write_project(tmp_path, PIPELINES), database)
        with environment.process:
            environment.apply(daily=DAILY | {"tags": ["night"], "startTime": "2030-01-01T00:00:00+00:00"})
            yield environment


def changed(environment: Environment, statement: str) -> list[str]:
    """Return what is told after somebody ran `statement`."""
    with closing(psycopg2.connect(environment.database.url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        connection.commit()
        return trigger_drift.differences(connection)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELECT 1", []),
        (
            "UPDATE pipeline_schedule SET status = 'INACTIVE', schedule_interval = '@hourly'",
            [
                "daily: schedule_interval was changed by hand, from @daily to @hourly",
                "daily: status was changed by hand, from active to inactive",
            ],
        ),
        (
            """UPDATE pipeline_schedule SET variables = '{"share": 0.05, "token": "hush"}'""",
            ["daily: variables.token was changed by hand"],
        ),
        ("DELETE FROM tag_association", ["daily: tags was changed by hand"]),
        ("DELETE FROM pipeline_schedule", ["daily: it was deleted by hand"]),
        ("UPDATE schedules_from_values SET applied = NULL", []),  # gone from values: paused and kept for its runs
        ("DROP TABLE schedules_from_values", []),  # nothing was applied yet
    ],
)
def test_what_somebody_changed_of_a_trigger_is_told(applied: Any, statement: str, told: list[str]) -> None:
    assert changed(applied, statement) == told
