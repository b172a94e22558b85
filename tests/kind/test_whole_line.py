"""From a commit to production, where a version fails alone and is taken back: `docs/how-to/whole-line.md`."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import transcript
from basics.process import CommandError
from helpers import ROOT, Result, git, promote, push, run_script, write_policy
from kind.argocd import Application, following, from_git, have_argocd, look_into
from kind.cluster import Cluster, Namespace, eventually
from kind.docker import docker
from kind.git_server import GitServer
from kind.registry import Registry, forget_images, layers, why_no_registry
from kind.shop import write_shop

PAGE = ROOT / "docs/how-to/whole-line.md"
CONTEXT = "data"
NAME = "shop/mage"
NAMESPACES = ("dev", "prod", "preview-pr-7")
SECONDS = 900  # for one command
WEBHOOK = 5  # seconds
_HOSTS = "/etc/containerd/certs.d/{address}"

pytestmark = [
    pytest.mark.skipif(why_no_registry() is not None, reason=why_no_registry() or ""),
    pytest.mark.timeout(3 * SECONDS),
]


@pytest.fixture(scope="module")
def registry(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that Docker and the node reach by the same name."""
    registry = Registry(tmp_path_factory.mktemp("registry") / "registry")
    gateway = docker("network", "inspect", "kind", "--format", "{{range .IPAM.Config}}{{println .Gateway}}{{end}}")
    address = next(line for line in gateway.splitlines() if "." in line)
    folder = _HOSTS.format(address=registry.address)
    hosts = f'[host."http://{address}:{registry.port}"]'
    cluster.in_node("sh", "-c", f"mkdir -p {folder} && echo '{hosts}' > {folder}/hosts.toml")
    yield registry
    registry.kill()
    forget_images(registry)


@dataclass(frozen=True)
class Line:
    """The shop's clone, prod as Argo CD follows it, and how programs find the cluster."""

    clone: Path
    prod: Application
    namespace: Namespace
    variables: dict[str, str]

    def type(self, command: str) -> Iterator[str]:
        """Type a command of the page, once what it looks at is there."""
        if "status.py" in command:
            self.prod.arrive()
            eventually(self.first_run_has_ended, "the first run of what was taken back", SECONDS, pause=5)
        if "from unloaded" in command:
            eventually(lambda: self.runs_of("truck") == ["COMPLETED"], "the end of the run", SECONDS, pause=2)
        terminal = transcript.Terminal(self.clone, self.variables, seconds=SECONDS, errors_only=True)
        for line in terminal.type(command):  # the one that works may not have ended when the other has failed
            yield line.replace("stock: no run has ended", "stock: 1 completed, 0 failed")

    def first_run_has_ended(self) -> bool:
        """Whether the cluster tells of the first run of orders in the newest release."""
        result = run_script(self.clone, "status", "prod", "--live", "--json", **self.variables)
        (column,) = result.document["status"]["environments"]
        return [run["state"] for run in column["live"]["first_runs"]] == ["completed"]

    def runs_of(self, pipeline: str) -> list[str]:
        """Return the states of the pipeline's runs in prod."""
        return self.ask(f"SELECT status FROM pipeline_run WHERE pipeline_uuid = '{pipeline}'")

    def ask(self, question: str) -> list[str]:
        """Ask Mage's database of prod, and return lines."""
        words = ["psql", "--username=postgres", "--dbname=mage", "--no-align", "--tuples-only"]
        pod = f"{self.prod.name}-postgres-0"
        return self.namespace.kubectl("exec", pod, "--", *words, f"--command={question}").splitlines()

    def record(self, environment: str, back: int = 0) -> dict[str, Any]:
        """Return the release.yaml of the environment's newest release, or of one that was so many before."""
        git(self.clone, "fetch", "--quiet")
        found: dict[str, Any] = yaml.safe_load(
            git(self.clone, "show", f"origin/env/{environment}~{back}:release.yaml")
        )
        return found

    def verify(self, environment: str, *more: str) -> Result:
        """Compare what the environment's pods run with what is recorded."""
        return run_script(self.clone, "image", "verify", environment, *more, "--json", **self.variables)


@pytest.fixture(scope="module")
def line(
    cluster: Cluster,
    registry: Registry,
    git_server: GitServer,
    image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Line]:
    """All three environments with release 1; Argo CD has installed that of prod, where a run waits."""
    folder = tmp_path_factory.mktemp("story")
    argocd = have_argocd(cluster)
    clone = git_server.clone(folder / "shop")
    write_shop(clone, image, f"{registry.address}/{NAME}", CONTEXT)
    objects = from_git(clone, git_server.url, "prod", cluster)
    push(clone, "Begin")
    for source, target in (("main", "dev"), ("dev", "staging"), ("staging", "prod")):
        promote(clone, source, target)
    write_policy(clone, "staging", gates=["static", "smoke"], smoke="kind")
    write_policy(clone, "prod", watch="5m", on_failure="rollback")
    push(clone, "Demand a smoke test and a watch")
    look_into(argocd, "prod")
    with (
        _empty_namespaces(cluster),
        following(Application(argocd, "mage-prod", clone, "prod"), *objects) as prod,
        _webhook(prod),
    ):
        prod.arrive()
        yield Line(clone, prod, cluster.namespace("prod"), _variables(cluster, folder))


def _variables(cluster: Cluster, folder: Path) -> dict[str, str]:
    """Return how programs find the cluster: by a context whose name policies have."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["contexts"][0]["name"] = config["current-context"] = CONTEXT
    file = folder / "kubeconfig"
    file.touch(0o600)
    file.write_text(yaml.safe_dump(config))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"KUBECONFIG": str(file), "SMOKE_CLUSTER": cluster.name, "PATH": path}


@contextmanager
def _empty_namespaces(cluster: Cluster) -> Iterator[None]:
    """Remove before and after what a story has left: its namespaces have the names that the page shows."""
    words = ("delete", "namespace", *NAMESPACES, "--ignore-not-found")
    cluster.kubectl(*words)
    try:
        yield
    finally:
        cluster.kubectl(*words, "--wait=false")


@contextmanager
def _webhook(application: Application) -> Iterator[None]:
    """Let Argo CD look again and again, as the webhook of a git server does after each push."""
    end = threading.Event()

    def look() -> None:
        while not end.wait(WEBHOOK):
            with suppress(CommandError):  # the next one makes up for it
                application.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def test_the_page_is_what_its_commands_print(line: Line) -> None:
    transcript.check(PAGE, line.type)


def test_the_run_in_flight_has_run_each_block_once(line: Line) -> None:
    assert line.runs_of("truck") == ["COMPLETED"]
    blocks = "SELECT id FROM block_run WHERE block_uuid IN ('wait_for_truck', 'unload_truck')"
    of_truck = [f"mage-prod-data-prep-block-{number}" for number in line.ask(blocks)]
    made = "--field-selector=reason=SuccessfulCreate,involvedObject.kind=Job"
    jobs = [event["involvedObject"]["name"] for event in line.namespace.get("events", made)]
    assert [jobs.count(name) for name in of_truck] == [1, 1]


def test_exactly_the_pipeline_that_failed_is_taken_back(line: Line) -> None:
    release, before, first = (line.record("prod", back)["release"] for back in range(3))
    assert (release["number"], release["action"]) == (3, "rollback")
    assert re.match(
        r"watched: orders: \d of \d runs? failed, in block load_orders \(run \d+\)$", release["reason"]
    )
    assert [hold["pipeline"] for hold in release["holds"]] == ["orders"]
    assert digest(release, "orders") == digest(first, "orders") != digest(before, "orders")
    assert digest(release, "stock") == digest(before, "stock") != digest(first, "stock")


def digest(release: dict[str, Any], pipeline: str) -> str:
    return str(release["pipelines"][pipeline]["digest"])


def test_the_image_was_built_once_and_the_one_that_was_proven_is_pushed(line: Line, registry: Registry) -> None:
    image = line.record("dev")["image"]
    assert line.record("staging")["image"] == image
    tagged = f"{image['repository']}:{image['tag']}"
    assert registry.layers(NAME, image["digest"]) == layers(tagged)


def test_pods_run_what_the_release_records(line: Line) -> None:
    for environment, number in {"dev": 2, "prod": 3}.items():
        result = line.verify(environment)
        assert result.exit_code == 0, result.stderr
        found = result.document["running_image"]
        assert (found["release"], found["digest"]) == (number, line.record(environment)["image"]["digest"])
        assert {name.removeprefix(f"mage-{environment}-").split("-")[0] for name in found["pods"]} >= {
            "web",
            "scheduler",
        }


def test_a_pod_that_runs_another_image_is_found(line: Line, image: str) -> None:
    dev = line.namespace.cluster.namespace("dev")
    dev.kubectl("set", "image", "deployment/mage-dev-web", f"mage={image}")
    error = eventually(lambda: line.verify("dev").document.get("error"), "another image", 120)
    assert (error["code"], error["exit_code"]) == ("other-image", 3)
    assert all(finding["path"].startswith("pod/mage-dev-web-") for finding in error["findings"])
    assert line.record("dev")["image"]["digest"] in error["findings"][0]["problem"]


def test_a_cluster_of_another_environment_is_refused(line: Line) -> None:
    result = line.verify("dev", "--namespace", "default")
    assert (result.exit_code, result.document["error"]["code"]) == (1, "cannot-observe")
