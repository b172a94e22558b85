"""A release that is taken away is gone in seconds: no pod waits for a database that does not come back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from helpers import push
from kind.cluster import eventually
from kind.git_server import GitServer
from kind.release import PROJECT, Release, install_all, mounted_project
from mage.projects import Block, write_project

SECONDS = 120  # far less than the block needs, and than pods wait for a database
CODE = """
import time

@custom
def work(*args, **kwargs):
    time.sleep(1200)
"""
SCHEDULES = {"hourly": {"pipeline": "working", "interval": "@hourly", "enabled": True, "timeout": 1800}}


def delete_namespace(release: Release) -> None:
    release.namespace.cluster.kubectl("delete", "namespace", release.namespace.name, "--wait=false")


def gone(release: Release) -> str:
    """Wait until its pods are gone."""
    pods = f"app.kubernetes.io/instance={release.name},app.kubernetes.io/component in (web,scheduler,postgres)"
    return release.namespace.kubectl("wait", "pod", f"--selector={pods}", "--for=delete", f"--timeout={SECONDS}s")


def uninstall(release: Release) -> None:
    release.namespace.helm("uninstall", release.name)


def let_work(release: Release) -> None:
    """Have a block at work."""
    release.start("working", timeout=1800)
    begun = "SELECT id FROM block_run WHERE status = 'RUNNING'"
    eventually(lambda: release.sql(begun), "a block at work", seconds=120)


def let_wait(release: Release) -> None:
    """Have a scheduler that waits for its database."""
    release.namespace.kubectl("scale", f"statefulset/{release.full_name}-postgres", "--replicas=0")
    release.namespace.kubectl("delete", f"pod/{release.pod('scheduler')}")
    log = "logs", f"pod/{release.full_name}-scheduler-0", "--container=prepare"
    eventually(lambda: "Waiting for the database" in release.namespace.kubectl(*log), "a scheduler that waits")


WAYS = {
    "deleted with its namespace while a block runs": (let_work, delete_namespace),
    "deleted with its namespace while it waits for its database": (let_wait, delete_namespace),
    "deleted with its namespace and a checkout of git": (let_work, delete_namespace),
    "uninstalled while a block runs": (let_work, uninstall),
}


@pytest.fixture(scope="module")
def taken_away(
    releases: Callable[..., Release],
    git_server: GitServer,
    git_image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Future[str]]]:
    """For each way, the end of waiting for a release that was taken away so, all at the same time."""
    project = write_project(tmp_path_factory.mktemp("away"), {"working": [Block("work", CODE, type="custom")]})
    made = {way: releases(f"away-{number}") for number, way in enumerate(WAYS)}
    sources = {way: mounted_project(release.namespace, project) for way, release in made.items()}
    sources["deleted with its namespace and a checkout of git"] = _checkout(git_server, git_image, project)
    values = {"env": "dev", "schedules": SCHEDULES}
    install_all(*((made[way], values | sources[way]) for way in WAYS))
    for way, (have, _) in WAYS.items():
        have(made[way])
    for way, (_, take_away) in WAYS.items():
        take_away(made[way])
    with ThreadPoolExecutor(len(made)) as pool:
        yield {way: pool.submit(gone, release) for way, release in made.items()}


def _checkout(server: GitServer, image: str, project: Path) -> dict[str, Any]:
    """Push the project and return the values of a release that follows it."""
    clone = server.clone(project.parent / "clone")
    shutil.copytree(project, clone / PROJECT)
    push(clone, "a block that works")
    repository, _, tag = image.rpartition(":")
    git = {"repository": server.url, "image": {"repository": repository, "tag": tag}}
    return {"project": {"source": "git", "folder": PROJECT, "git": git}}


@pytest.mark.parametrize("way", WAYS)
def test_it_is_gone_in_seconds_when_it_is(taken_away: dict[str, Future[str]], way: str) -> None:
    taken_away[way].result()
