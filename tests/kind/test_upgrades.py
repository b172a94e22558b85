"""From one version of the chart to the next and back, uninstalled and installed again: what is there stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from basics.process import CommandError
from kind.cluster import eventually
from kind.release import CHART, Release, mounted_project
from mage.projects import VISIT, Block, write_project
from mage_pod import schema

PREVIOUS = Path(__file__).parent / "previous" / "mage-0.1.0.tgz"
SCHEDULES = {"yearly": {"pipeline": "visit", "interval": "0 4 1 7 *", "enabled": True, "timeout": 600}}
UNKNOWN = "fedcba987654"  # a revision that no Mage has


@dataclass(frozen=True)
class Belongings:
    """What people have in a release and would miss."""

    credentials: dict[str, str]
    tables: list[list[str]]
    runs: list[list[str]]
    schedules: list[list[str]]
    output: str


def belongings(release: Release) -> Belongings:
    """Return what people have there now; the last of it by the API, as they see it."""
    (secret,) = release.namespace.get("secrets", f"--field-selector=metadata.name={release.full_name}-credentials")
    return Belongings(
        credentials=secret["data"],
        tables=release.sql("SELECT day FROM visits ORDER BY day", "warehouse"),
        runs=release.sql("SELECT id, status FROM pipeline_run ORDER BY id"),
        schedules=release.sql("SELECT id, name, status, schedule_interval FROM pipeline_schedule ORDER BY id"),
        output=first_output(release),
    )


def first_output(release: Release) -> str:
    """Return what the first block of all gave out, as the owner sees it: it lies on the volume."""
    ((number,),) = release.sql("SELECT min(id) FROM block_run")
    return json.dumps(release.api().call("GET", f"/api/block_runs/{number}/outputs"))


def chart_versions(release: Release) -> set[str]:
    """Return the versions of the chart that the pods are of."""
    pods = [pod for component in ("web", "scheduler", "postgres") for pod in release.pods(component)]
    return {pod["metadata"]["labels"]["helm.sh/chart"] for pod in pods}


@dataclass(frozen=True)
class Step:
    """What there was before something was done with the release, and after."""

    before: Belongings
    after: Belongings
    charts: set[str]
    next_run: str

    @classmethod
    def of(cls, release: Release, do: Callable[[], Any]) -> Step:
        """Do it; the release then has to run something, too."""
        before = belongings(release)
        do()
        after = belongings(release)
        return cls(before, after, chart_versions(release), release.run("visit")["status"])


@pytest.fixture(scope="module")
def release(releases: Callable[..., Release], tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release of the previous chart, with a schedule and a run."""
    prepared = releases("up", chart=PREVIOUS)
    project = write_project(
        tmp_path_factory.mktemp("up"), {"visit": [Block("visit", f"{VISIT}    return [1]\n", type="custom")]}
    )
    prepared.install({"env": "dev", "schedules": SCHEDULES}, mounted_project(prepared.namespace, project))
    assert prepared.run("visit")["status"] == "completed"
    return prepared


@pytest.fixture(scope="module")
def upgraded(release: Release) -> Step:
    """To this version."""
    release.chart = CHART
    return Step.of(release, release.upgrade)


@pytest.fixture(scope="module")
def rolled_back(release: Release, upgraded: Step) -> Step:
    """To the previous version, and at the end to this one again."""
    assert upgraded.next_run
    back = ["rollback", release.name, "1", "--wait", "--timeout=5m"]
    step = Step.of(release, lambda: release.namespace.helm(*back))
    release.upgrade()
    return step


@pytest.fixture(scope="module")
def reinstalled(release: Release, rolled_back: Step) -> Step:
    """Uninstalled, and installed under the same name."""
    assert rolled_back.next_run

    def reinstall() -> None:
        release.uninstall()
        release.install()

    return Step.of(release, reinstall)


@pytest.mark.parametrize("name", ["upgraded", "rolled_back", "reinstalled"])
@pytest.mark.parametrize("what", Belongings.__dataclass_fields__)
def test_it_keeps(request: pytest.FixtureRequest, name: str, what: str) -> None:
    step: Step = request.getfixturevalue(name)
    assert getattr(step.before, what)
    assert getattr(step.after, what) == getattr(step.before, what)


@pytest.mark.parametrize("name", ["upgraded", "rolled_back", "reinstalled"])
def test_pipelines_run_afterwards(request: pytest.FixtureRequest, name: str) -> None:
    assert request.getfixturevalue(name).next_run == "completed"


def test_all_pods_are_of_the_version_asked_for(upgraded: Step, rolled_back: Step) -> None:
    assert (rolled_back.charts, len(upgraded.charts)) == ({"mage-0.1.0"}, 1)
    assert upgraded.charts != rolled_back.charts


@dataclass(frozen=True)
class Stopped:
    """An upgrade that met a schema which it could not bring to head."""

    release: Release
    helm_said: str
    web_before: str

    def new_pod(self) -> str:
        """Return the name of the web's pod that does not become ready."""
        (name,) = {pod["metadata"]["name"] for pod in self.release.pods("web")} - {self.web_before}
        return str(name)


@pytest.fixture(scope="module")
def stopped(release: Release, reinstalled: Step) -> Stopped:
    """A new web pod meets the schema of a Mage from the future."""
    assert reinstalled.next_run
    web = release.pod("web")
    release.sql(f"UPDATE alembic_version SET version_num = '{UNKNOWN}'")
    with pytest.raises(CommandError) as failure:
        release.install({"web": {"pod": {"annotations": {"tried": "again"}}}}, wait=False)
    return Stopped(release, str(failure.value), web)


def test_a_failed_migration_fails_the_upgrade_and_names_the_job(stopped: Stopped) -> None:
    assert f"{stopped.release.full_name}-schedules" in stopped.helm_said


def test_after_a_failed_migration_the_new_pod_says_why(stopped: Stopped) -> None:
    def described() -> bool:
        said = stopped.release.namespace.kubectl("describe", "pod", stopped.new_pod())
        return (
            f"is at revision {UNKNOWN}, which only a newer Mage knows (this image's head is {schema.head()})"
            in said
        )

    eventually(described, "the pod's own words", seconds=120)


def test_after_a_failed_migration_the_old_pod_serves(stopped: Stopped) -> None:
    endpoints = stopped.release.namespace.get("endpointslices")
    ready = {
        endpoint["targetRef"]["name"]
        for item in endpoints
        for endpoint in item["endpoints"] or []
        if endpoint["conditions"]["ready"] and "-web-" in endpoint["targetRef"]["name"]
    }
    assert ready == {stopped.web_before}
    stopped.release.api().call("GET", "/api/pipelines")


def test_once_the_schema_is_mended_the_upgrade_goes_through(stopped: Stopped) -> None:
    stopped.release.sql(f"UPDATE alembic_version SET version_num = '{schema.head()}'")
    stopped.release.upgrade()
    assert stopped.release.pod("web") != stopped.web_before
    assert stopped.release.run("visit")["status"] == "completed"
