"""Argo CD follows an environment's branch: what the promotion pushes is what runs, with nobody in between."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import call_script, promote, repository_files, write
from kind.argocd import ARGOCD, SECONDS, Application, following, from_git, have_argocd, look_into
from kind.cluster import Cluster, Namespace, eventually
from kind.environments import change_dev_values
from kind.git_server import GitServer
from kind.release import SMALL, Release
from promotion.cluster.agent import Agent, find_agent
from promotion.cluster.hand_changes import hand_changes

TOLD = 120  # seconds from a push until Argo CD tells what is wrong
SCHEDULE = "flights-daily"

pytestmark = pytest.mark.timeout(1500)


@dataclass(frozen=True)
class Line:
    """A clone to promote from, Argo CD's Application of dev, and the release that it makes."""

    clone: Path
    application: Application
    release: Release

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
    cluster: Cluster,
    git_server: GitServer,
    namespaces: Callable[[str], Namespace],
    image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Line]:
    """An environment with its first release, which Argo CD has installed."""
    argocd = have_argocd(cluster)
    clone = git_server.clone(tmp_path_factory.mktemp("line") / "clone")
    for path, file in repository_files().items():
        write(clone, {path: file.read_bytes()})
    _configure(clone, image)
    namespace = namespaces("go")
    release = Release(namespace, image, f"mage-{namespace.name}")
    promote(clone, "main", "dev")
    look_into(argocd, namespace.name)
    objects = _renamed(from_git(clone, git_server.url, "dev", cluster), release)
    with following(Application(argocd, release.name, clone, "dev"), *objects) as application:
        application.arrive()
        yield Line(clone, application, release)
    release.close()


def _configure(clone: Path, image: str) -> None:
    """Write into dev's configuration what fits this cluster; the static gate is enough here."""
    repository, _, _ = image.rpartition(":")
    (clone / "environments/dev/policy.yaml").write_text("source: main\ngates: [static]\n")
    change_dev_values(clone, SMALL, {"image": {"repository": repository}})


def _renamed(objects: tuple[dict[str, Any], dict[str, Any]], release: Release) -> tuple[dict[str, Any], ...]:
    """Return what gitops/argocd has for dev, for a namespace of a test."""
    project, applications = objects
    name = {"name": release.name, "namespace": ARGOCD}
    project |= {"metadata": name}
    project["spec"]["destinations"] = [{"server": "*", "namespace": release.namespace.name}]
    applications |= {"metadata": name}
    template = applications["spec"]["template"]
    template["metadata"]["name"] = release.name
    template["spec"]["project"] = release.name
    template["spec"]["destination"]["namespace"] = release.namespace.name
    return project, applications


def test_a_first_release_is_installed(line: Line) -> None:
    assert line.number() == "1"
    assert line.release.api().call("GET", "/api/pipelines")["pipelines"]


def test_the_schedules_of_the_release_are_applied(line: Line) -> None:
    assert line.interval() == "@daily"


def test_the_pods_of_helm_test_do_not_run(line: Line) -> None:
    assert line.release.pods("test") == []


def test_a_second_look_finds_no_difference(line: Line) -> None:
    application = line.application
    before = application.status
    application.look("hard")
    eventually(lambda: application.status["reconciledAt"] > before["reconciledAt"], "reconciled again", SECONDS)
    assert application.status["sync"]["status"] == "Synced"
    assert application.out_of_sync() == []
    assert application.status["history"] == before["history"]


def test_a_change_by_hand_is_set_back(line: Line) -> None:
    deployment = f"deployment/{line.release.full_name}-web"
    namespace = line.release.namespace
    namespace.kubectl("patch", deployment, "--patch", '{"spec": {"revisionHistoryLimit": 9}}')
    limit = "--output=jsonpath={.spec.revisionHistoryLimit}"
    eventually(lambda: namespace.kubectl("get", deployment, limit) == "3", "the change undone", SECONDS)


def test_argo_cd_is_told_as_what_installs_it(line: Line) -> None:
    line.application.arrive()
    objects = line.release.namespace.get("deployments,statefulsets,services", "--show-managed-fields")
    assert [line for each in objects for line in hand_changes(each)] == []
    agents = {find_agent(each, line.release.namespace) for each in objects}
    commit = line.application.status["sync"]["revision"]
    name = f"applications.argoproj.io/{line.release.name}"
    assert agents == {Agent("Argo CD", ARGOCD, name, "Synced, Healthy", commit)}


def test_its_scheduled_runs_can_be_observed(line: Line) -> None:
    namespace = line.release.namespace
    arguments = ("observe", "dev", "--namespace", namespace.name, "--json")
    result = call_script(line.clone, "promote", *arguments, **namespace.cluster.variables)
    assert result.exit_code == 0, result.stderr
    observed = result.document["observed"]["flights_daily"]
    assert (observed["since"], observed["completed"], observed["failed"]) == (1, 0, 0)


def test_a_release_that_cannot_start_is_told_and_can_be_rolled_back(line: Line) -> None:
    scheduler = yaml.safe_load((line.clone / "environments/dev/values.yaml").read_text())["scheduler"]
    change_dev_values(line.clone, {"scheduler": {"resources": {"requests": {"cpu": "1000"}}}})
    promote(line.clone, "main", "dev")
    line.application.look()
    waiting = f"waiting for healthy state of apps/StatefulSet/{line.release.full_name}-scheduler"
    eventually(lambda: waiting in line.application.status["operationState"]["message"], "Argo CD tells", SECONDS)
    assert line.application.status["health"]["status"] == "Progressing"
    change_dev_values(line.clone, {"scheduler": scheduler})
    result = call_script(line.clone, "rollback", "dev", "--reason", "no such node", "--yes")
    assert result.exit_code == 0, result.stderr
    end = '{"status": {"operationState": {"phase": "Terminating"}}}'  # what `argocd app terminate-op` does
    line.application.argocd.kubectl("patch", "application", line.release.name, "--type=merge", f"--patch={end}")
    line.application.arrive()
    assert line.number() == "3"


def test_a_schedule_that_cannot_be_applied_is_told_until_a_release_mends_it(line: Line) -> None:
    line.release.namespace.make_secret("partner", wrong="two words", right="one-word")
    token = {"name": "partner", "key": "wrong"}
    schedule = {"pipeline": "flights_daily", "enabled": True, "timeout": 0, "type": "api", "token": token}
    change_dev_values(line.clone, {"schedules": {"hook": schedule}})
    promote(line.clone, "main", "dev")
    line.application.look()
    job = f"Job/{line.release.full_name}-schedules"
    eventually(lambda: job in line.application.failed(), "Argo CD tells of the Job", TOLD)
    change_dev_values(line.clone, {"schedules": {"hook": {"token": {"key": "right"}}}})
    promote(line.clone, "main", "dev")
    line.application.arrive()
    assert line.release.sql("SELECT token FROM pipeline_schedule WHERE name = 'hook'") == [["one-word"]]


def test_it_may_not_install_elsewhere(line: Line) -> None:
    project, none = line.release.name, '{"spec": {"sourceRepos": []}}'
    line.application.argocd.kubectl("patch", "appproject", project, "--type=merge", f"--patch={none}")
    line.application.look("hard")

    def refused() -> bool:
        conditions = line.application.status.get("conditions", [])
        assert any("is not permitted in project" in each["message"] for each in conditions), conditions
        return True

    eventually(refused, "Argo CD refused the repository", SECONDS)
