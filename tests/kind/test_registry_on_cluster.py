"""From a promotion to pods: the image that a smoke test proved is pushed, pinned and run, and no other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from helpers import Result, command, git, push, released_text, remote_of, run_at_most, run_script, write
from kind.cluster import Cluster, Namespace, eventually
from kind.docker import docker
from kind.registry import Registry, forget_images, layers, why_no_registry
from kind.release import ROOT, SMALL
from stock import make_clone

NAME = "team/mage"
POLICY = "source: main\ngates: [static, smoke]\nsmoke: kind\n"
DOCKERFILE = "FROM {image}\nCOPY mage_project /srv/release/mage_project\n"
_HOSTS = "/etc/containerd/certs.d/{address}"
_SECONDS = 1500  # a build, a smoke test on the cluster, a push and an installation, on a machine that is busy

pytestmark = [
    pytest.mark.skipif(why_no_registry() is not None, reason=why_no_registry() or ""),
    pytest.mark.timeout(2 * _SECONDS),
]


class Line(NamedTuple):
    """A clone whose dev was promoted to, what that printed, and the namespace where it is installed."""

    clone: Path
    registry: Registry
    promoted: Result
    namespace: Namespace

    @property
    def image(self) -> dict[str, str]:
        found = yaml.safe_load(released_text(self.clone, "dev", "release.yaml"))["image"]
        assert isinstance(found, dict)
        return found

    def verify(self) -> Result:
        options = ("--namespace", self.namespace.name, "--json")
        return run_script(self.clone, "image", "verify", "dev", *options, **self.namespace.cluster.variables)


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


@pytest.fixture(scope="module")
def line(
    registry: Registry,
    cluster: Cluster,
    image: str,
    namespaces: Callable[[str], Namespace],
    tmp_path_factory: pytest.TempPathFactory,
) -> Line:
    folder = tmp_path_factory.mktemp("line")
    clone = make_clone(
        folder / "work",
        {
            "environments/dev/policy.yaml": POLICY,
            "environments/registry.yaml": f"repository: {registry.address}/{NAME}\n",
            "Dockerfile": DOCKERFILE.format(image=image),
        },
    )
    shutil.rmtree(clone / "charts")
    shutil.copytree(ROOT / "charts", clone / "charts", ignore=shutil.ignore_patterns("__pycache__"))
    push(clone)
    words = command("promote", "main", "dev", "--yes")
    promoted = run_at_most(_SECONDS, words, clone, SMOKE_CLUSTER=cluster.name)
    assert promoted.exit_code == 0, promoted.stderr
    return Line(clone, registry, promoted, installed(clone, namespaces("pinned"), folder / "release"))


def installed(clone: Path, namespace: Namespace, folder: Path) -> Namespace:
    """Install dev from its branch, as a person does."""
    git(remote_of(clone), "worktree", "add", str(folder), "env/dev")
    namespace.make_secret("warehouse", password="secret")
    write(folder, {"small.yaml": yaml.safe_dump(SMALL)})
    files = (folder / "environments/dev/values.yaml", folder / "small.yaml", folder / "release.yaml")
    values = [f"--values={file}" for file in files]
    namespace.helm("install", "mage-dev", str(folder / "charts/mage"), *values, "--wait", "--timeout=10m")
    return namespace


def test_the_image_is_built_once_and_the_one_that_was_proven_is_pushed(line: Line) -> None:
    tagged = f"{line.image['repository']}:{line.image['tag']}"
    assert line.promoted.stderr.count(f"✓ build {tagged}") == 1
    assert line.registry.layers(NAME, line.image["digest"]) == layers(tagged)


def test_its_pods_run_what_the_release_records(line: Line) -> None:
    result = line.verify()
    assert result.exit_code == 0, result.stderr
    found = result.document["running_image"]
    assert (found["release"], found["digest"]) == (1, line.image["digest"])
    assert {name.removeprefix("mage-dev-").split("-")[0] for name in found["pods"]} == {"web", "scheduler"}


def test_a_pod_that_runs_another_image_is_found(line: Line, image: str) -> None:
    line.namespace.kubectl("set", "image", "deployment/mage-dev-web", f"mage={image}")
    error = eventually(lambda: line.verify().document.get("error"), "another image", 120)
    assert (error["code"], error["exit_code"]) == ("other-image", 3)
    assert all(finding["path"].startswith("pod/mage-dev-web-") for finding in error["findings"])
    assert line.image["digest"] in error["findings"][0]["problem"]


def test_a_cluster_of_another_environment_is_refused(line: Line) -> None:
    options = ("--namespace", "default", "--json")
    result = run_script(line.clone, "image", "verify", "dev", *options, **line.namespace.cluster.variables)
    assert (result.exit_code, result.document["error"]["code"]) == (1, "cannot-observe")
