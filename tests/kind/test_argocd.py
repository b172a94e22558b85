"""Argo CD follows an environment's branch: what the promotion pushes is what runs, with nobody in between."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from basics.process import CommandError
from chart.engine import merged
from helpers import call_script, git, promote, push, repository_files, write
from kind.cluster import Cluster, Namespace, eventually
from kind.git_server import GitServer
from kind.release import SMALL, Release

ARGOCD = "argocd"
SECONDS = 600
SCHEDULE = "flights-daily"

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def argocd(cluster: Cluster) -> Namespace:
    """Argo CD's namespace; ARGOCD_INSTALL may name a command that installs it, given the cluster's name."""
    if not _has_argocd(cluster) and (command := os.environ.get("ARGOCD_INSTALL")):
        subprocess.run([*shlex.split(command), cluster.name], check=True, env=os.environ | cluster.variables)
    if not _has_argocd(cluster):
        pytest.skip("Argo CD is not in the cluster: install it, or name a command that does in ARGOCD_INSTALL")
    return cluster.namespace(ARGOCD)


def _has_argocd(cluster: Cluster) -> bool:
    try:
        cluster.kubectl("get", "crd", "applications.argoproj.io")
    except CommandError:
        return False
    return True


@dataclass(frozen=True)
class Line:
    """A clone to promote from, Argo CD's Application of dev, and the release that it makes."""

    clone: Path
    argocd: Namespace
    release: Release

    @property
    def status(self) -> dict[str, Any]:
        """What Argo CD says of the Application."""
        name = self.release.name
        answer = json.loads(self.argocd.kubectl("get", "application", name, "--output=json"))
        status: dict[str, Any] = answer.get("status", {})
        return status

    def out_of_sync(self) -> list[str]:
        """Return the objects that differ from git."""
        resources = self.status["resources"]
        return [f"{item['kind']}/{item['name']}" for item in resources if item.get("status") == "OutOfSync"]

    def arrive(self) -> None:
        """Do what the git server's webhook does after a push, and wait until what the branch holds now runs."""
        self.look()
        commit, _ = git(self.clone, "ls-remote", "origin", "refs/heads/env/dev").split()

        def arrived() -> bool:
            status = self.status
            operation = status["operationState"]
            found = [status["sync"]["status"], status["health"]["status"], operation["phase"]]
            assert operation["syncResult"]["revision"] == commit, status.get("conditions")
            assert found == ["Synced", "Healthy", "Succeeded"], operation.get("message")
            return True

        eventually(arrived, "the release installed", SECONDS, pause=2)

    def look(self, how: str = "normal") -> None:
        """Let Argo CD look at git now: by itself it looks every three minutes."""
        annotation = f"argocd.argoproj.io/refresh={how}"
        self.argocd.kubectl("annotate", "--overwrite", "application", self.release.name, annotation)

    def number(self) -> str:
        """Return the number of the release that the web says it is of."""
        web = json.loads(
            self.release.namespace.kubectl("get", f"deployment/{self.release.full_name}-web", "-ojson")
        )
        return str(web["metadata"]["annotations"]["mage/release"])

    def interval(self) -> str:
        """Return when Mage fires the schedule."""
        ((interval,),) = self.release.sql(
            f"SELECT schedule_interval FROM pipeline_schedule WHERE name = '{SCHEDULE}'"
        )
        return interval


@pytest.fixture(scope="module")
def line(
    argocd: Namespace,
    git_server: GitServer,
    namespaces: Callable[[str], Namespace],
    image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Line]:
    """An environment with its first release, which Argo CD has installed."""
    clone = git_server.clone(tmp_path_factory.mktemp("line") / "clone")
    for path, file in repository_files().items():
        write(clone, {path: file.read_bytes()})
    _configure(clone, image)
    namespace = namespaces("go")
    release = Release(namespace, image, f"mage-{namespace.name}")
    promote(clone, "main", "dev")
    argocd.apply(_application(clone, git_server.url, release))
    line = Line(clone, argocd, release)
    try:
        line.arrive()
        yield line
    finally:
        release.close()
        argocd.kubectl("delete", "application", release.name)


def _configure(clone: Path, image: str) -> None:
    """Write into dev's configuration what fits this cluster; the static gate is enough here."""
    repository, _, _ = image.rpartition(":")
    (clone / "environments/dev/policy.yaml").write_text("source: main\ngates: [static]\n")
    change_values(clone, SMALL, {"image": {"repository": repository}})


def change_values(clone: Path, *layers: dict[str, Any]) -> None:
    """Lay something over dev's values on main."""
    file = clone / "environments/dev/values.yaml"
    file.write_text(yaml.safe_dump(merged([yaml.safe_load(file.read_text()), *layers])))
    push(clone)


def _application(clone: Path, url: str, release: Release) -> dict[str, Any]:
    """Return the Application of dev as a user has it, but in the release's namespace."""
    every = clone / "gitops/argocd/every.yaml"
    every.write_text(every.read_text().replace("https://git.example.com/data/pipelines.git", url))
    built = release.namespace.cluster.kubectl("kustomize", str(every.parent))
    found = next(item for item in yaml.safe_load_all(built) if item["metadata"]["name"] == "mage-dev")
    found["metadata"]["name"] = release.name
    found["spec"]["destination"]["namespace"] = release.namespace.name
    assert isinstance(found, dict)
    return found


def test_a_first_release_is_installed(line: Line) -> None:
    assert line.number() == "1"
    assert line.release.api().call("GET", "/api/pipelines")["pipelines"]


def test_the_schedules_of_the_release_are_applied(line: Line) -> None:
    assert line.interval() == "@daily"


def test_the_pods_of_helm_test_do_not_run(line: Line) -> None:
    assert line.release.pods("test") == []


def test_a_second_look_finds_no_difference(line: Line) -> None:
    before = line.status
    line.look("hard")
    eventually(lambda: line.status["reconciledAt"] > before["reconciledAt"], "reconciled again", SECONDS)
    assert line.status["sync"]["status"] == "Synced"
    assert line.out_of_sync() == []
    assert line.status["history"] == before["history"]


def test_a_change_by_hand_is_set_back(line: Line) -> None:
    deployment = f"deployment/{line.release.full_name}-web"
    namespace = line.release.namespace
    namespace.kubectl("patch", deployment, "--patch", '{"spec": {"revisionHistoryLimit": 9}}')
    limit = "--output=jsonpath={.spec.revisionHistoryLimit}"
    eventually(lambda: namespace.kubectl("get", deployment, limit) == "3", "the change undone", SECONDS)


def test_its_scheduled_runs_can_be_observed(line: Line) -> None:
    namespace = line.release.namespace
    arguments = ("observe", "dev", "--namespace", namespace.name, "--json")
    result = call_script(line.clone, "promote", *arguments, **namespace.cluster.variables)
    assert result.exit_code == 0, result.stderr
    observed = result.document["observed"]["flights_daily"]
    assert (observed["since"], observed["completed"], observed["failed"]) == (1, 0, 0)


@pytest.fixture(scope="module")
def promoted(line: Line) -> Line:
    """The line after a second promotion, of another schedule."""
    change_values(line.clone, {"schedules": {SCHEDULE: {"interval": "@weekly"}}})
    promote(line.clone, "main", "dev")
    line.arrive()
    return line


def test_a_promotion_arrives_by_itself(promoted: Line) -> None:
    assert (promoted.number(), promoted.interval()) == ("2", "@weekly")


def test_a_rollback_arrives_by_itself(promoted: Line) -> None:
    result = call_script(promoted.clone, "rollback", "dev", "--reason", "the numbers come too late", "--yes")
    assert result.exit_code == 0, result.stderr
    promoted.arrive()
    assert (promoted.number(), promoted.interval()) == ("3", "@daily")
