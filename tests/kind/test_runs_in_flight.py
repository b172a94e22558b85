"""A run of four blocks stays with the release that it began with, across two upgrades and a rollback."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from kind.cluster import eventually
from kind.release import Release, install_all, mounted_project
from mage.projects import WAREHOUSE_LOGIN, Block, write_project

EXECUTORS = ("local", "k8s")
BLOCKS = ("one", "two", "three", "four")
SECONDS = 300
# Tells of which release its code is and in which pod it runs, and waits until it may end.
_CODE = """
import socket, time
import psycopg2

def ask(question, *values):
    with psycopg2.connect(**warehouse_login()) as connection, connection.cursor() as cursor:
        cursor.execute(question, values)
        return cursor.fetchall() if cursor.description else []

@custom
def block(*args, **kwargs):
    run = kwargs['pipeline_run_id']
    ask('INSERT INTO begun VALUES (%s, %s, %s, %s)', run, '{name}', '{release}', socket.gethostname())
    while not ask('SELECT 1 FROM may_end WHERE run = %s AND block = %s', run, '{name}'):
        time.sleep(0.5)
"""
_TABLES = """
CREATE TABLE begun (run int, block text, release text, pod text);
CREATE TABLE may_end (run int, block text);
ALTER TABLE begun OWNER TO warehouse;
ALTER TABLE may_end OWNER TO warehouse
"""

pytestmark = pytest.mark.timeout(1200)


@dataclass
class Flight:
    """A release, the releases of code that it can have, and what is seen of a run."""

    release: Release
    images: dict[str, str]
    projects: dict[str, dict[str, Any]]
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)  # block → release of its code, image of its pod

    def install(self, name: str, **options: Any) -> None:
        """Install the release `name` of the code, with an image of its own."""
        self.release.image = self.images[name]
        self.release.install(self.projects[name], **options)

    def fly(self) -> str:
        """Let a run of the first release go through the others; return its status."""
        run = self.release.start("chain")
        others = [self._installing("second"), self._roll_back, self._installing("third"), lambda: None]
        for block, change in zip(BLOCKS, others, strict=True):
            self.look(run, block)
            self._change(change)
            self.let_end(run, block)
        return str(self.release.ended(run, SECONDS)["status"])

    def look(self, run: int, block: str) -> None:
        def begun() -> list[list[str]]:
            question = f"SELECT release, pod FROM begun WHERE run = {run} AND block = '{block}'"
            return self.release.sql(question, "warehouse")

        ((release, pod),) = eventually(begun, f"{block} begun", SECONDS)
        (found,) = self.release.namespace.get("pods", f"--field-selector=metadata.name={pod}")
        self.seen[block] = release, found["spec"]["containers"][0]["image"]

    def _change(self, change: Callable[[], None]) -> None:
        """Begin a change, and wait until the scheduler stops: with the local executor it waits for the block."""
        (before,) = self.release.pods("scheduler")
        change()

        def stops() -> bool:
            pods = self.release.pods("scheduler")
            return any(
                pod["metadata"]["uid"] != before["metadata"]["uid"] or "deletionTimestamp" in pod["metadata"]
                for pod in pods
            )

        if len(self.seen) < len(BLOCKS):
            eventually(stops, "the scheduler stops", SECONDS)

    def _installing(self, name: str) -> Callable[[], None]:
        return lambda: self.install(name, wait=False)

    def _roll_back(self) -> None:
        self.release.namespace.helm("rollback", self.release.name, "1")

    def let_end(self, run: int, block: str) -> None:
        """Let the block end."""
        self.release.sql(f"INSERT INTO may_end VALUES ({run}, '{block}')", "warehouse")


@pytest.fixture(scope="module")
def flights(
    releases: Callable[..., Release], image: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Flight, str]]:
    """For each executor the flight, and the status of its run."""
    made = {executor: _prepared(releases(f"flight-{executor}"), image, tmp_path_factory) for executor in EXECUTORS}
    install_all(*((flight.release, _values(executor, flight)) for executor, flight in made.items()))
    for flight in made.values():
        flight.release.sql(_TABLES, "warehouse")
    with ThreadPoolExecutor(len(made)) as pool:
        flying = {executor: pool.submit(flight.fly) for executor, flight in made.items()}
    return {executor: (made[executor], done.result()) for executor, done in flying.items()}


def _prepared(release: Release, image: str, folders: pytest.TempPathFactory) -> Flight:
    images, projects = {}, {}
    for name, blocks in {"first": BLOCKS, "second": BLOCKS[:1], "third": BLOCKS[:1]}.items():
        images[name] = f"mage:flight-{name}"
        tag = ("ctr", "--namespace=k8s.io", "images", "tag", "--force")
        release.namespace.cluster.in_node(*tag, *(f"docker.io/library/{each}" for each in (image, images[name])))
        chain = [
            Block(
                block,
                WAREHOUSE_LOGIN + _CODE.format(name=block, release=name),
                blocks[:number][-1:],
                type="custom",
            )
            for number, block in enumerate(blocks)
        ]
        project = write_project(folders.mktemp(name), {"chain": chain})
        projects[name] = mounted_project(release.namespace, project, config_map=name)
    return Flight(release, images, projects)


def _values(executor: str, flight: Flight) -> dict[str, Any]:
    flight.release.image = flight.images["first"]
    return {"env": "dev", "executor": {"type": executor}, **flight.projects["first"]}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_run_completes_with_the_code_that_it_began_with(
    flights: dict[str, tuple[Flight, str]], executor: str
) -> None:
    flight, status = flights[executor]
    assert {block: release for block, (release, _) in flight.seen.items()} == dict.fromkeys(BLOCKS, "first")
    assert status == "completed"


def test_its_jobs_have_the_image_that_it_began_with(flights: dict[str, tuple[Flight, str]]) -> None:
    flight, _ = flights["k8s"]
    assert {block: image for block, (_, image) in flight.seen.items()} == dict.fromkeys(
        BLOCKS, flight.images["first"]
    )


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_run_afterwards_is_of_the_last_release(flights: dict[str, tuple[Flight, str]], executor: str) -> None:
    flight, _ = flights[executor]
    run = flight.release.start("chain")
    flight.look(run, BLOCKS[0])
    flight.let_end(run, BLOCKS[0])
    assert flight.release.ended(run, SECONDS)["status"] == "completed"
    assert flight.seen[BLOCKS[0]] == ("third", flight.images["third"])
