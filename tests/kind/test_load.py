"""Much at once: 200 runs asked for in one go, then 1,000 schedules."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kind.cluster import eventually
from kind.release import Release, mounted_project
from mage.projects import WAREHOUSE_LOGIN, Block, write_project
from mage_pod import mage_runs
from mage_pod.mage_api import ApiError, MageApi

RUNS = 200
SCHEDULES = 1000
EVERY_MINUTE = 10  # of them
_ANSWER_SECONDS = 10
_START = (
    WAREHOUSE_LOGIN
    + """
@custom
def start(*args, **kwargs):
    import psycopg2
    with psycopg2.connect(**warehouse_login()) as connection, connection.cursor() as cursor:
        cursor.execute('INSERT INTO started VALUES (%s)', [kwargs['pipeline_run_id']])
"""
)
_STARTED = "SELECT run, count(*) FROM started GROUP BY run ORDER BY run"
_ENDED = "SELECT status, count(*) FROM pipeline_run WHERE completed_at IS NOT NULL GROUP BY status"


@pytest.fixture(scope="module")
def release(releases: Callable[..., Release], tmp_path_factory: pytest.TempPathFactory) -> Release:
    made: Release = releases("nu-load")
    project = write_project(tmp_path_factory.mktemp("p"), {"small": [Block("start", _START, type="custom")]})
    made.install(mounted_project(made.namespace, project), {"env": "dev"})
    made.sql("CREATE TABLE started (run int); GRANT ALL ON started TO PUBLIC", "warehouse")
    return made


class Visitor:
    """Asks the web every second, and keeps what went wrong."""

    def __init__(self, url: str) -> None:
        """Begin."""
        self.complaints: list[str] = []
        self.visits = 0
        self._web = MageApi(url)
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._visit)
        self._thread.start()

    def leave(self) -> None:
        """End."""
        self._leave.set()
        self._thread.join()

    def _visit(self) -> None:
        while not self._leave.wait(1):
            self.visits += 1
            begun = time.monotonic()
            try:
                status, _ = self._web.request("GET", "/api/status")
            except ApiError as error:
                self.complaints.append(str(error))
            else:
                seconds = time.monotonic() - begun
                if status != 200 or seconds > _ANSWER_SECONDS:
                    self.complaints.append(f"status {status} after {seconds:.1f} s")


@pytest.fixture(scope="module")
def visitor(release: Release) -> Iterator[Visitor]:
    visitor = Visitor(release.url())
    yield visitor
    visitor.leave()


@pytest.fixture(scope="module")
def runs(release: Release, visitor: Visitor) -> list[int]:
    """The numbers of runs that were asked for in one go and have ended."""
    api = release.api()
    trigger = mage_runs.make_trigger(api, "small", "load", timeout=600)
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda _: mage_runs.start(api, trigger), range(RUNS)))

    def ended() -> bool:
        return sum(int(count) for _, count in release.sql(_ENDED)) == RUNS

    eventually(ended, "every run ended", seconds=600, pause=2)
    return sorted(numbers)


def test_every_run_completes(release: Release, runs: list[int]) -> None:
    assert release.sql(_ENDED) == [["COMPLETED", str(len(runs))]]


def test_every_block_runs_once(release: Release, runs: list[int]) -> None:
    assert release.sql(_STARTED, "warehouse") == [[str(number), "1"] for number in runs]


@pytest.mark.usefixtures("runs")
def test_the_web_answers_throughout(visitor: Visitor) -> None:
    assert visitor.visits
    assert visitor.complaints == []


# Schedules


def _schedule(number: int) -> dict[str, Any]:
    interval = "* * * * *" if number < EVERY_MINUTE else f"{number % 60} {number % 24} 1 1 *"
    return {"pipeline": "small", "interval": interval, "enabled": True, "timeout": 600, "variables": {"n": number}}


@pytest.fixture(scope="module")
def scheduled(release: Release, runs: list[int]) -> Release:
    """The release with many schedules, after the runs."""
    return release.upgrade({"schedules": {f"plan-{number:04}": _schedule(number) for number in range(SCHEDULES)}})


def test_a_thousand_schedules_are_applied(scheduled: Release) -> None:
    count = "SELECT count(*) FROM pipeline_schedule WHERE name LIKE 'plan-%' AND status = 'ACTIVE'"
    assert scheduled.sql(count) == [[str(SCHEDULES)]]


def test_those_that_are_due_fire_once_a_minute_and_the_others_do_not(scheduled: Release) -> None:
    fired = (
        "SELECT name, count(*), count(DISTINCT execution_date) FROM pipeline_run"
        " JOIN pipeline_schedule ON pipeline_schedule.id = pipeline_schedule_id WHERE name LIKE 'plan-%'"
        " GROUP BY name ORDER BY name"
    )
    due = {f"plan-{number:04}" for number in range(EVERY_MINUTE)}
    eventually(lambda: {name for name, *_ in scheduled.sql(fired)} >= due, "each fired", seconds=240, pause=2)
    assert [row for row in scheduled.sql(fired) if row[0] not in due or row[1] != row[2]] == []
