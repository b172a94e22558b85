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

from helpers import call_script, git, promote, repository_files, write
from kind.cluster import Cluster, Namespace, eventually
from kind.environments import change_dev_values
from kind.git_server import GitServer
from kind.release import SMALL, Release
from promotion.cluster.agent import Agent, find_agent
from promotion.cluster.hand_changes import hand_changes

ARGOCD = "argocd"
SECONDS = 600
TOLD = 120  # seconds from a push until Argo CD tells what is wrong
SCHEDULE = "flights-daily"

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def argocd(cluster: Cluster) -> Iterator[Namespace]:
    """Argo CD's namespace; ARGOCD_INSTALL may name a command that installs it, given the cluster's name."""
    namespace = cluster.namespace(ARGOCD)
    is_ours = not _runs(namespace)
    if is_ours and (command := os.environ.get("ARGOCD_INSTALL")):
        subprocess.run([*shlex.split(command), cluster.name], check=True, env=os.environ | cluster.variables)
    if not _runs(namespace):
        pytest.skip("Argo CD is not in the cluster: install it, or name a command that does in ARGOCD_INSTALL")
    if not _has_applicationsets(namespace):
        _start_applicationsets(namespace)
    yield namespace
    if is_ours:  # it follows each object of each namespace, and takes a processor from the tests that come later
        namespace.kubectl("delete", "deployment,statefulset", "--all", "--wait=false")


def _has_applicationsets(argocd: Namespace) -> bool:
    return "applicationset-controller" in argocd.kubectl("get", "pods", "--output=yaml")


def _start_applicationsets(argocd: Namespace) -> None:
    """Start the controller of ApplicationSets, where somebody left it out: all of Argo CD is one program."""
    pods = json.loads(argocd.kubectl("get", "pods", "--output=json"))["items"]
    spec = pods[0]["spec"]
    name, labels = "applicationset-controller", {"app.kubernetes.io/name": "applicationset-controller"}
    container = {
        "name": name,
        "image": spec["containers"][-1]["image"],
        "imagePullPolicy": spec["containers"][-1]["imagePullPolicy"],
        "command": ["argocd", "--argocd-repo-server", "127.0.0.1:8081"],  # asked only where a generator reads git
        "env": [
            {"name": "ARGOCD_BINARY_NAME", "value": f"argocd-{name}"},
            {"name": "NAMESPACE", "value": argocd.name},
        ],
    }
    pod = {"serviceAccountName": spec["serviceAccountName"], "containers": [container]}
    has_status = [{"op": "add", "path": "/spec/versions/0/subresources", "value": {"status": {}}}]
    definition = "applicationsets.argoproj.io"
    argocd.kubectl("patch", "crd", definition, "--type=json", f"--patch={json.dumps(has_status)}")
    argocd.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": argocd.name},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }
    )


def _runs(argocd: Namespace) -> bool:
    return bool(argocd.get("pods"))


@dataclass(frozen=True)
class Line:
    """A clone to promote from, Argo CD's Application of dev, and the release that it makes."""

    clone: Path
    argocd: Namespace
    release: Release

    @property
    def status(self) -> dict[str, Any]:
        """What Argo CD says of the Application."""
        found = self.argocd.kubectl("get", "application", self.release.name, "--output=json", "--ignore-not-found")
        status: dict[str, Any] = json.loads(found or "{}").get("status", {})
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

    def failed(self) -> list[str]:
        """Return the objects that Argo CD names as the reason why the sync fails."""
        results = self.status["operationState"]["syncResult"]["resources"]
        return [f"{each['kind']}/{each['name']}" for each in results if each.get("hookPhase") == "Failed"]

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
    objects = _from_git(clone, git_server.url, release)
    line = Line(clone, argocd, release)
    try:
        for item in objects:
            argocd.apply(item)
        eventually(lambda: bool(line.status), "Argo CD made the Application", SECONDS)
        line.arrive()
        yield line
    finally:
        release.close()
        for item in reversed(objects):
            argocd.kubectl("delete", item["kind"], item["metadata"]["name"])


def _configure(clone: Path, image: str) -> None:
    """Write into dev's configuration what fits this cluster; the static gate is enough here."""
    repository, _, _ = image.rpartition(":")
    (clone / "environments/dev/policy.yaml").write_text("source: main\ngates: [static]\n")
    change_dev_values(clone, SMALL, {"image": {"repository": repository}})


def _from_git(clone: Path, url: str, release: Release) -> list[dict[str, Any]]:
    """Return what gitops/argocd has for dev, but for the release's namespace."""
    file = clone / "gitops/argocd/environments.yaml"
    file.write_text(file.read_text().replace("https://git.example.com/data/pipelines.git", url))
    project, applications = yaml.safe_load_all(release.namespace.cluster.kubectl("kustomize", str(file.parent)))
    name = {"name": release.name, "namespace": ARGOCD}
    project |= {"metadata": name}
    project["spec"]["destinations"] = [{"server": "*", "namespace": release.namespace.name}]
    applications |= {"metadata": name}
    (generator,) = applications["spec"]["generators"]
    generator["list"]["elements"] = [
        each for each in generator["list"]["elements"] if each["environment"] == "dev"
    ]
    template = applications["spec"]["template"]
    template["metadata"]["name"] = release.name
    template["spec"]["project"] = release.name
    template["spec"]["destination"]["namespace"] = release.namespace.name
    return [project, applications]


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


def test_argo_cd_is_told_as_what_installs_it(line: Line) -> None:
    line.arrive()
    objects = line.release.namespace.get("deployments,statefulsets,services", "--show-managed-fields")
    assert [line for each in objects for line in hand_changes(each)] == []
    agents = {find_agent(each, line.release.namespace) for each in objects}
    application, commit = f"applications.argoproj.io/{line.release.name}", line.status["sync"]["revision"]
    assert agents == {Agent("Argo CD", ARGOCD, application, "Synced, Healthy", commit)}


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
    change_dev_values(line.clone, {"schedules": {SCHEDULE: {"interval": "@weekly"}}})
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


def test_a_release_that_cannot_start_is_told_and_can_be_rolled_back(
    promoted: Line,
) -> None:
    scheduler = yaml.safe_load((promoted.clone / "environments/dev/values.yaml").read_text())["scheduler"]
    change_dev_values(promoted.clone, {"scheduler": {"resources": {"requests": {"cpu": "1000"}}}})
    promote(promoted.clone, "main", "dev")
    promoted.look()
    waiting = f"waiting for healthy state of apps/StatefulSet/{promoted.release.full_name}-scheduler"
    eventually(lambda: waiting in promoted.status["operationState"]["message"], "Argo CD tells", SECONDS)
    assert promoted.status["health"]["status"] == "Progressing"
    change_dev_values(promoted.clone, {"scheduler": scheduler})
    result = call_script(promoted.clone, "rollback", "dev", "--reason", "no such node", "--yes")
    assert result.exit_code == 0, result.stderr
    end = '{"status": {"operationState": {"phase": "Terminating"}}}'  # what `argocd app terminate-op` does
    promoted.argocd.kubectl("patch", "application", promoted.release.name, "--type=merge", f"--patch={end}")
    promoted.arrive()
    assert promoted.number() == "5"


def test_a_schedule_that_cannot_be_applied_is_told_until_a_release_mends_it(promoted: Line) -> None:
    promoted.release.namespace.make_secret("partner", wrong="two words", right="one-word")
    token = {"name": "partner", "key": "wrong"}
    schedule = {"pipeline": "flights_daily", "enabled": True, "timeout": 0, "type": "api", "token": token}
    change_dev_values(promoted.clone, {"schedules": {"hook": schedule}})
    promote(promoted.clone, "main", "dev")
    promoted.look()
    job = f"Job/{promoted.release.full_name}-schedules"
    eventually(lambda: job in promoted.failed(), "Argo CD tells of the Job", TOLD)
    change_dev_values(promoted.clone, {"schedules": {"hook": {"token": {"key": "right"}}}})
    promote(promoted.clone, "main", "dev")
    promoted.arrive()
    assert promoted.release.sql("SELECT token FROM pipeline_schedule WHERE name = 'hook'") == [["one-word"]]


def test_it_may_not_install_elsewhere(line: Line) -> None:
    project = line.release.name
    line.argocd.kubectl("patch", "appproject", project, "--type=merge", "--patch", '{"spec": {"sourceRepos": []}}')
    line.look("hard")

    def refused() -> bool:
        conditions = line.status.get("conditions", [])
        assert any("is not permitted in project" in each["message"] for each in conditions), conditions
        return True

    eventually(refused, "Argo CD refused the repository", SECONDS)
