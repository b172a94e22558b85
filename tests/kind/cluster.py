"""The cluster of a test run, and namespaces in it."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pytest_kind.cluster import KindCluster

from basics import kubectl
from basics.process import CommandError, run
from kind.docker import docker, why_no, why_no_docker
from mage_pod.waiting import until

FOLDER = Path(__file__).resolve().parents[2] / ".local" / "kind"
POSTGRES = "postgres:18"
_NO_IMAGE = re.compile(r'failed to pull image "([^"]+)"')
_RESTRICTED = ("enforce", "warn")

T = TypeVar("T")


def why_no_cluster() -> str | None:
    """Return what is missing for tests on a cluster, with what would enable them."""
    if reason := why_no("kind", "kubectl", "helm") or why_no_docker():
        return reason
    for image in (POSTGRES, "python:3.11-slim-bookworm"):
        if not docker("image", "ls", "--quiet", image):
            return f"the image {image} is not here: docker pull {image}"
    return None


class NoCluster(Exception):
    """kind makes no cluster; the message says why and what would help."""


@dataclass(frozen=True)
class Cluster:
    """A kind cluster that kubectl and helm reach through a kubeconfig of its own."""

    name: str
    kubeconfig: Path

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl and return what it printed."""
        return self.namespace("default").kubectl(*arguments)

    def namespace(self, name: str) -> Namespace:
        """Return the namespace of that name."""
        return Namespace(name, self.kubeconfig, cluster=self)

    def in_node(self, *command: str) -> str:
        """Run a command in the cluster's one node, which is a container."""
        return docker("exec", f"{self.name}-control-plane", *command)

    @property
    def variables(self) -> dict[str, str]:
        """What programs find the cluster by."""
        return {"KUBECONFIG": str(self.kubeconfig)}


@dataclass(frozen=True, kw_only=True)
class Namespace(kubectl.Namespace):
    """A namespace of the cluster of a test run."""

    cluster: Cluster

    def make_secret(self, name: str, **data: str) -> None:
        """Have a Secret with these texts."""
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Let one of the processes of a test run after the other do what is in the block."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def have_cluster(name: str, config: Path | None = None) -> Cluster:
    """Return the cluster of that name, made if it is not there; KIND_CONFIG may name a configuration of kind.

    A cluster of another kind has its own `config`. Raises `NoCluster`.
    """
    with one_at_a_time(name):
        kind = _kind(name)
        is_new = name not in _clusters()
        if is_new:
            _mark(name).touch()
            _create(name, kind.kubeconfig_path, config)
        cluster = Cluster(name, kind.kubeconfig_path)
        export = ["kind", "export", "kubeconfig", "--name", name, "--kubeconfig", str(cluster.kubeconfig)]
        run(*export, cwd=FOLDER)
        cluster.kubectl("wait", "node", "--all", "--for=condition=Ready", "--timeout=180s")
    return cluster


def _create(name: str, kubeconfig: Path, config: Path | None) -> None:
    """Do what pytest-kind's `create` does, which does not tell what kind says."""
    given = config or os.environ.get("KIND_CONFIG")
    options = [f"--name={name}", f"--kubeconfig={kubeconfig}", *([f"--config={given}"] if given else [])]
    create = ["kind", "create", "cluster", *options]
    try:
        try:
            run(*create, cwd=FOLDER)
        except CommandError as error:
            if _NO_IMAGE.search(error.stderr):
                raise
            run(*create, cwd=FOLDER)  # on a busy machine kind gives up early, and removes what it began
    except CommandError as error:
        _mark(name).unlink()
        if missing := _NO_IMAGE.search(error.stderr):
            raise NoCluster(
                f"the node image {missing[1]} is not here and cannot be pulled: docker pull {missing[1]}, or let "
                f"KIND_CONFIG (now {given or 'not set'}) name a configuration of kind with one that is here"
            ) from None
        raise NoCluster(f"kind makes no cluster: {' '.join(error.stderr.split())}") from None


def remove_cluster(name: str) -> None:
    """Remove the cluster if it is one that `have_cluster` made."""
    if _mark(name).exists():
        _kind(name).delete()
        _mark(name).unlink()


def _kind(name: str) -> KindCluster:
    """Return pytest-kind's handle with the programs on PATH: it would download others."""
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    kind, kubectl = (Path(str(shutil.which(program))) for program in ("kind", "kubectl"))
    previous = Path.cwd()
    os.chdir(FOLDER)  # it keeps a folder below the current one
    try:
        return KindCluster(name, folder / "kubeconfig", kind_path=kind, kubectl_path=kubectl)
    finally:
        os.chdir(previous)


def _clusters() -> list[str]:
    return run("kind", "get", "clusters", cwd=FOLDER).decode().split()


def _mark(name: str) -> Path:
    """Return the file that says: this cluster was made for tests."""
    return FOLDER / f"{name}.made-for-tests"


def make_namespace(cluster: Cluster, name: str) -> Namespace:
    """Make a namespace whose name begins with `name`; pods can be made when this returns."""
    namespace = cluster.namespace(f"{name}-{secrets.token_hex(2)}")
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in _RESTRICTED}
    namespace.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace.name, "labels": labels}}
    )
    eventually(lambda: namespace.kubectl("get", "serviceaccount", "default"), "pods can be made")
    return namespace


def eventually(look: Callable[[], T | None], what: str, seconds: float = 60, pause: float = 1) -> T:
    """Do what `until` does, whatever goes wrong: the cluster, and the way to it, may start anew meanwhile."""
    found = until(look, what, seconds, retry=Exception, pause=pause)
    assert found is not None
    return found
