"""A block of 40 seconds while what it depends on is rolled, deleted, killed or restarted, with both executors.

The measured table is printed at the end and written to `.local/kind/nothing_is_lost.md`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from kind.cluster import FOLDER, eventually
from kind.release import Release, install_all, mounted_project
from mage.projects import WAREHOUSE_LOGIN, Block, write_project

pytestmark = pytest.mark.timeout(1200)

EXECUTORS = ("local", "k8s")
SECONDS = 40
TIMEOUT = 600
_CODE = """
import os, pathlib, socket, time, uuid
import psycopg2

def mark(run, attempt, what):
    with connected() as connection, connection.cursor() as cursor:
        row = (run, attempt, what, socket.gethostname(), os.getpid())
        cursor.execute('INSERT INTO marks VALUES (%s, %s, %s, %s, %s)', row)

def connected():
    # A block's own connections are its author's business, also while PostgreSQL restarts.
    for _ in range(120):
        try:
            return psycopg2.connect(**warehouse_login())
        except psycopg2.OperationalError:
            time.sleep(1)

@custom
def block(*args, **kwargs):
    run, attempt = kwargs['pipeline_run_id'], uuid.uuid4().hex[:8]
    {}
"""
_SLOW = f"""mark(run, attempt, 'START')
    end = time.monotonic() + {SECONDS}
    with pathlib.Path(os.environ['MAGE_DATA_DIR'], f'beats-{{run}}').open('a', buffering=1) as file:
        while time.monotonic() < end:
            print(attempt, file=file)
            time.sleep(0.5)
    mark(run, attempt, 'END')"""
_AFTER = "mark(run, attempt, 'AFTER')"
_TABLE = """
CREATE TABLE marks (run int, attempt text, what text, host text, pid int);
ALTER TABLE marks OWNER TO warehouse
"""


@dataclass(frozen=True)
class Outcome:
    """What a run has left behind, and seconds from the event until all was ready again and the run completed."""

    run: dict[str, Any]
    marks: list[tuple[str, str]]
    beats: list[str]
    ready: float
    completed: float

    def count(self, what: str) -> int:
        """Return how often the table says `what`."""
        return sum(1 for _, said in self.marks if said == what)

    def most_at_once(self) -> int:
        """Return 1 unless the heartbeats of two copies of the block are mixed."""
        changes = sum(1 for one, next_one in zip(self.beats, self.beats[1:], strict=False) if one != next_one)
        return 1 if changes == len(set(self.beats)) - 1 else 2


# Each event returns when what it hit is ready again.


def roll(release: Release) -> None:
    release.upgrade({"pod": {"env": {"ROLLED": str(time.time())}}})


def delete(component: str) -> Callable[[Release], None]:
    def delete_pod(release: Release) -> None:
        before = identity(release, component)
        release.namespace.kubectl("delete", "pod", release.pod(component), "--wait=false")
        wait_for_another(release, component, before)

    return delete_pod


def kill(release: Release) -> None:
    """SIGKILL the first process of the scheduler's container, as the kernel does to one out of memory."""
    before = identity(release, "scheduler")
    release.namespace.cluster.in_node(
        "ctr", "--namespace=k8s.io", "tasks", "kill", "--signal=SIGKILL", before.removeprefix("containerd://")
    )
    wait_for_another(release, "scheduler", before)


def restart_database_of_a_drain(release: Release) -> None:
    before = identity(release, "scheduler")
    release.namespace.kubectl("delete", "pod", release.pod("scheduler"), "--wait=false")
    delete("postgres")(release)
    wait_for_another(release, "scheduler", before)


EVENTS: dict[str, Callable[[Release], None]] = {
    "helm upgrade rolls the pods": roll,
    "scheduler pod deleted": delete("scheduler"),
    "scheduler killed (SIGKILL)": kill,
    "web pod deleted": delete("web"),
    "PostgreSQL pod deleted": delete("postgres"),
    "scheduler and PostgreSQL pods deleted": restart_database_of_a_drain,
}
REPEATED = {("scheduler killed (SIGKILL)", "local")}


def identity(release: Release, component: str) -> str:
    """Return the ID of the component's ready container, or nothing."""
    for pod in release.pods(component):
        for container in pod["status"].get("containerStatuses", []):
            if container["ready"] and "deletionTimestamp" not in pod["metadata"]:
                return str(container["containerID"])
    return ""


def wait_for_another(release: Release, component: str, before: str) -> None:
    eventually(lambda: identity(release, component) not in ("", before), f"another {component}", TIMEOUT)


@dataclass
class Trial:
    """Both releases, and what came out of each event."""

    releases: dict[str, Release]
    outcomes: dict[tuple[str, str], Outcome] = field(default_factory=dict)

    def let(self, event: str) -> None:
        """Let the event happen to each release while its block runs."""
        with ThreadPoolExecutor(len(self.releases)) as pool:
            tried = {
                executor: pool.submit(outcome, release, EVENTS[event])
                for executor, release in self.releases.items()
            }
        self.outcomes |= {(event, executor): future.result() for executor, future in tried.items()}


def outcome(release: Release, event: Callable[[Release], None]) -> Outcome:
    """Start a run, let the event happen when its block is at work, and wait for the run's end."""
    run = release.start("long", timeout=TIMEOUT)
    eventually(lambda: marks(release, run), "the block begun", TIMEOUT)
    assert [what for _, what in marks(release, run)] == ["START"], "the event would come too late"
    before = time.time()
    event(release)
    ready = time.time() - before
    result = release.ended(run, TIMEOUT)
    completed = release.sql(f"SELECT extract(epoch FROM completed_at) FROM pipeline_run WHERE id = {run}")
    beats = release.execute("web", "cat", f"/var/lib/mage/beats-{run}").split()
    return Outcome(result, marks(release, run), beats, ready, float(completed[0][0] or "nan") - before)


def marks(release: Release, run: int) -> list[tuple[str, str]]:
    rows = release.sql(f"SELECT attempt, what FROM marks WHERE run = {run}", "warehouse")
    return [(attempt, what) for attempt, what in rows]


@pytest.fixture(scope="module")
def trial(
    releases: Callable[..., Release], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Trial]:
    """A release with each executor."""
    blocks = [
        Block("slow", WAREHOUSE_LOGIN + _CODE.format(_SLOW), type="custom"),
        Block("after", WAREHOUSE_LOGIN + _CODE.format(_AFTER), ["slow"], type="custom"),
    ]
    project = write_project(tmp_path_factory.mktemp("lost"), {"long": blocks})

    def values(executor: str, release: Release) -> dict[str, Any]:
        own = {"env": "dev", "executor": {"type": executor}, "postgres": {"databases": ["warehouse"]}}
        return own | mounted_project(release.namespace, project)

    both = {executor: releases(f"lost-{executor}") for executor in EXECUTORS}
    install_all(*((release, values(executor, release)) for executor, release in both.items()))
    for release in both.values():
        release.sql(_TABLE, "warehouse")
    trial = Trial(both)
    yield trial
    report(trial, request.config)


@pytest.fixture(scope="module", params=EVENTS)
def event(request: pytest.FixtureRequest, trial: Trial) -> str:
    """An event that has happened to both releases."""
    trial.let(request.param)
    return str(request.param)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_run_completes_with_the_right_table_and_repeats_no_more_than_it_must(
    trial: Trial, event: str, executor: str
) -> None:
    outcome = trial.outcomes[event, executor]
    assert outcome.run["status"] == "completed"
    assert outcome.count("START") == (2 if (event, executor) in REPEATED else 1)
    assert outcome.count("END") == outcome.count("AFTER") == 1
    assert outcome.most_at_once() == 1


def report(trial: Trial, config: pytest.Config) -> None:
    """Write and print what happened, as a table of Markdown."""
    titles = ("event", "executor", "block begun", "block ended", "at once", "ready again", "run completed")
    rows = [titles, ["---"] * len(titles), *(row(*key, one) for key, one in trial.outcomes.items())]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    (FOLDER / "nothing_is_lost.md").write_text(f"{text}\n")
    if terminal := config.pluginmanager.get_plugin("terminalreporter"):
        terminal.write_line(f"\n{text}")


def row(event: str, executor: str, one: Outcome) -> list[str]:
    counts = (one.count("START"), one.count("END"), one.most_at_once())
    return [event, executor, *map(str, counts), f"{one.ready:.1f} s", f"{one.completed:.1f} s"]
