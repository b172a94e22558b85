"""Two releases in one namespace: one behind an Ingress and below a path, the other without."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from chart.engine import merged
from kind.cluster import Namespace, eventually
from kind.release import OWNER, Release, install_all, mounted_project
from mage.projects import Block, write_project
from mage_pod.mage_api import ApiError, MageApi

BASE_PATH = "tools/mage"
HOST = "mage.example.com"
_TASK = """
@custom
def task(*args, **kwargs):
    import os, time
    time.sleep(30)
    print(f"WORKED FOR {os.environ['TEAM']}")
"""


class Pair(NamedTuple):
    """Both releases."""

    first: Release
    second: Release


@pytest.fixture(scope="module")
def pair(
    namespaces: Callable[[str], Namespace],
    releases: Callable[..., Release],
    tmp_path_factory: pytest.TempPathFactory,
) -> Pair:
    namespace = namespaces("ex-two")
    project = write_project(tmp_path_factory.mktemp("p"), {"task": [Block("task", _TASK, type="custom")]})
    mounted = mounted_project(namespace, project)
    pair = Pair(releases("mage-first", namespace), releases("mage-second", namespace))
    install_all(*((release, merged([mounted, _values(release)])) for release in pair))
    return pair


def _values(release: Release) -> dict[str, Any]:
    schedule = {"pipeline": "task", "interval": "@monthly", "enabled": True, "timeout": 60}
    values: dict[str, Any] = {
        "env": "dev",
        "executor": {"type": "k8s"},
        "schedules": {f"of-{release.name}": schedule},
        "pod": {"env": {"TEAM": release.name}},
    }
    if release.name == "mage-first":
        values["web"] = {"basePath": BASE_PATH}
        values["ingress"] = {"enabled": True, "className": "nginx", "host": HOST}
        values["networkPolicy"] = {"webFrom": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]}
    return values


# The way in


def test_the_cluster_takes_the_ingress(pair: Pair) -> None:
    (ingress,) = pair.first.namespace.get("ingress")
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"]) == (HOST, f"/{BASE_PATH}")
    assert path["backend"]["service"] == {"name": "mage-first-web", "port": {"name": "http"}}


def test_the_ui_and_all_that_its_page_asks_for_are_below_the_path(pair: Pair) -> None:
    web = MageApi(pair.first.url().removesuffix(f"/{BASE_PATH}"))
    status, page = web.request("GET", f"/{BASE_PATH}/")
    assets = sorted(set(re.findall(r'(?:src|href)="(/[^"]+[.](?:js|css))"', page)))
    assert (status, bool(assets)) == (200, True)
    assert [asset for asset in assets if not asset.startswith(f"/{BASE_PATH}/")] == []
    assert [asset for asset in assets if web.request("GET", asset)[0] != 200] == []


def test_the_api_is_below_the_path(pair: Pair) -> None:
    assert pair.first.api().call("GET", "/api/pipelines")["pipelines"]


def test_nothing_is_beside_the_path(pair: Pair) -> None:
    assert MageApi(pair.first.url().removesuffix(f"/{BASE_PATH}")).request("GET", "/api/status")[0] == 404


def test_without_a_path_mage_is_at_the_root(pair: Pair) -> None:
    assert MageApi(pair.second.url()).request("GET", "/api/status")[0] == 200


# Two in one namespace


def test_the_owner_of_one_is_nobody_to_the_other(pair: Pair) -> None:
    with pytest.raises(ApiError):
        MageApi(pair.second.url()).log_in(OWNER, pair.first.credential("owner-password"))


def test_each_has_its_own_schedules_alone(pair: Pair) -> None:
    for release in pair:
        found = release.api().call("GET", "/api/pipelines/task/pipeline_schedules")["pipeline_schedules"]
        assert [row["name"] for row in found] == [f"of-{release.name}"]


@pytest.fixture(scope="module")
def at_once(pair: Pair) -> list[tuple[Release, int]]:
    """A run of each, started together."""
    return [(release, release.start("task")) for release in pair]


def test_their_jobs_run_beside_one_another(pair: Pair, at_once: list[tuple[Release, int]]) -> None:
    def both() -> bool:
        jobs = [job["metadata"]["name"] for job in pair.first.namespace.get("jobs") if job["status"].get("active")]
        return all(any(name.startswith(f"{release.name}-data-prep") for name in jobs) for release, _ in at_once)

    eventually(both, "both at work", seconds=180)


def test_each_runs_its_own_blocks(at_once: list[tuple[Release, int]]) -> None:
    for release, number in at_once:
        assert release.ended(number)["status"] == "completed"
        logs = release.execute("web", "sh", "-c", "cat $(find /var/lib/mage -name task.log)")
        assert re.findall(r"WORKED FOR ([\w-]+)", logs) == [release.name]
