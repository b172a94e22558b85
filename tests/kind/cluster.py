"""The cluster of a test run, and namespaces in it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pytest_kind.cluster import KindCluster

from kind.docker import docker, why_no, why_no_docker

T = TypeVar("T")

FOLDER = Path(__file__).resolve().parents[2] / ".local" / "kind"
POSTGRES = "postgres:18"
_RESTRICTED = ("enforce", "warn")


def why_no_cluster() -> str | None:
    """Return what is missing for tests on a cluster, with what would enable them."""
    if reason := why_no("kind", "kubectl", "helm") or why_no_docker():
        return reason
    for image in (POSTGRES, "python:3.11-slim-bookworm"):
        if not docker("image", "ls", "--quiet", image):
            return f"the image {image} is not here: docker pull {image}"
    return None


class CommandFailed(AssertionError):
    """kubectl or helm ended with an error; the message has its words."""


@dataclass(frozen=True)
class Cluster:
    """A kind cluster that kubectl and helm reach through a kubeconfig of its own."""

    name: str
    kubeconfig: Path

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 300) -> str:
        """Run kubectl and return what it printed."""
        return self._run("kubectl", *arguments, stdin=stdin, timeout=timeout)

    def helm(self, *arguments: str, timeout: float = 900) -> str:
        """Run helm and return what it printed."""
        return self._run("helm", *arguments, timeout=timeout)

    def in_node(self, *command: str) -> str:
        """Run a command in the cluster's one node, which is a container."""
        return docker("exec", f"{self.name}-control-plane", *command)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of programs that are to find this cluster."""
        return os.environ | {"KUBECONFIG": str(self.kubeconfig)}

    def _run(self, program: str, *arguments: str, stdin: str | None = None, timeout: float) -> str:
        done = subprocess.run(
            [program, *arguments],
            input=stdin,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise CommandFailed(f"{program} {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Let one of the processes of a test run after the other do what is in the block."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def have_cluster(name: str) -> Cluster:
    """Return the cluster of that name, made if it is not there; KIND_CONFIG may name a configuration of kind."""
    with one_at_a_time(name):
        kind = _kind(name)
        is_new = name not in _clusters()
        if is_new:
            _mark(name).touch()
            kind.create(os.environ.get("KIND_CONFIG"))
        cluster = Cluster(name, kind.kubeconfig_path)
        subprocess.run(
            ["kind", "export", "kubeconfig", "--name", name, "--kubeconfig", str(cluster.kubeconfig)],
            capture_output=True,
            check=True,
        )
        cluster.kubectl("wait", "node", "--all", "--for=condition=Ready", "--timeout=180s")
    return cluster


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
    listing = subprocess.run(["kind", "get", "clusters"], capture_output=True, text=True, check=True)
    return listing.stdout.split()


def _mark(name: str) -> Path:
    """Return the file that says: this cluster was made for tests."""
    return FOLDER / f"{name}.made-for-tests"


@dataclass(frozen=True)
class Namespace:
    """A namespace that enforces the restricted Pod Security level."""

    cluster: Cluster
    name: str

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 300) -> str:
        """Run kubectl in this namespace and return what it printed."""
        return self.cluster.kubectl("--namespace", self.name, *arguments, stdin=stdin, timeout=timeout)

    def helm(self, *arguments: str, timeout: float = 900) -> str:
        """Run helm in this namespace and return what it printed."""
        return self.cluster.helm("--namespace", self.name, *arguments, timeout=timeout)

    def get(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the objects that `kubectl get` finds, as dictionaries."""
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", *arguments, "--output=json"))["items"]
        return items

    def apply(self, *objects: dict[str, Any]) -> None:
        """Create objects or change them."""
        document = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "--filename=-", stdin=json.dumps(document))

    def secret(self, name: str, **data: str) -> None:
        """Have a Secret with these texts."""
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})


def make_namespace(cluster: Cluster, name: str) -> Namespace:
    """Make a namespace whose name begins with `name`; pods can be made when this returns."""
    namespace = Namespace(cluster, f"{name}-{secrets.token_hex(2)}")
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in _RESTRICTED}
    namespace.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace.name, "labels": labels}}
    )
    eventually(lambda: namespace.kubectl("get", "serviceaccount", "default"))
    return namespace


def eventually(attempt: Callable[[], T | None], seconds: float = 60, pause: float = 0.5) -> T:
    """Return what `attempt` returns once it is true and raises nothing; its last failure after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            result = attempt()
            assert result, f"still {result!r} after {seconds:.0f} s"
        except Exception:
            if time.monotonic() > deadline:
                raise
        else:
            return result
        time.sleep(pause)
