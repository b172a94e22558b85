"""The kind cluster of smoke tests: made once, and namespaces in it for the length of a test."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import IO, Any

from basics import progress
from basics.errors import PromotionError
from basics.process import CommandError, run
from basics.supervised import supervised

CLUSTER, CONFIGURATION = "SMOKE_CLUSTER", "KIND_CONFIG"
_NAME = "mage-smoke"
_RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
_FORWARDING = re.compile(rb"Forwarding from 127\.0\.0\.1:(\d+)")
_FORWARD_SECONDS, _FORWARD_WORDS = 60, 4096


@dataclass(frozen=True)
class Namespace:
    """A namespace of a cluster that `kubeconfig` leads to."""

    name: str
    kubeconfig: Path

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl here and return what it printed."""
        return self._run("kubectl", *arguments)

    def helm(self, *arguments: str) -> str:
        """Run helm here and return what it printed."""
        return self._run("helm", *arguments)

    def secret(self, name: str) -> dict[str, str]:
        """Return what the Secret holds."""
        data = json.loads(self.kubectl("get", "secret", name, "--output=json"))["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def troubles(self) -> list[str]:
        """Return a line for each container that waits, or that ended with an error: why, in its own words."""
        pods = json.loads(self.kubectl("get", "pods", "--output=json"))["items"]
        return [line for pod in pods for line in _troubles(pod)]

    @contextmanager
    def forwarded(self, target: str, port: int) -> Iterator[int]:
        """A port of this machine that leads to the port of `target`, like `service/web`."""
        command = ["kubectl", *self._options, "port-forward", target, f":{port}"]
        with (
            tempfile.TemporaryFile() as said,
            supervised(command, environment=os.environ, stdout=said, stderr=said) as process,
        ):
            yield _local_port(said, process, target)

    def _run(self, program: str, *arguments: str) -> str:
        return run(program, *self._options, *arguments, cwd=Path.cwd()).decode(errors="replace")

    @property
    def _options(self) -> Sequence[str]:
        return (f"--kubeconfig={self.kubeconfig}", f"--namespace={self.name}")


def _troubles(pod: dict[str, Any]) -> Iterator[str]:
    name, status = pod["metadata"]["name"], pod["status"]
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] != "True":
            yield f"{name}: {condition.get('message', 'no node takes it')}"
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        ended = container["state"].get("terminated") or container.get("lastState", {}).get("terminated") or {}
        waits = container["state"].get("waiting", {}) if not ended else {}
        if ended.get("exitCode") or waits.get("message"):
            words = ended.get("message") or waits.get("message") or ""
            reason = ended.get("reason") or waits.get("reason")
            yield f"{name}, {container['name']}: {reason}: {words.strip()}"


def _local_port(said: IO[bytes], process: Popen[bytes], target: str) -> int:
    """Wait for kubectl's word that it listens; raise what else it says."""
    deadline = time.monotonic() + _FORWARD_SECONDS
    while True:
        ended = process.poll() is not None or time.monotonic() > deadline
        text = os.pread(said.fileno(), _FORWARD_WORDS, 0)
        if found := _FORWARDING.search(text):
            return int(found[1])
        if ended:
            words = text.decode(errors="replace").strip() or "no answer"
            raise PromotionError("no-port-forward", f"kubectl port-forward to {target}: {words}")
        time.sleep(0.05)


@contextmanager
def smoke_cluster() -> Iterator[tuple[str, Path]]:
    """Yield name and kubeconfig of the cluster that SMOKE_CLUSTER names; make it if it is not there, and keep it.

    The user's own kubeconfig is neither read nor changed: what follows cannot reach another cluster.
    """
    name = os.environ.get(CLUSTER) or _NAME
    with tempfile.TemporaryDirectory(prefix="kind-") as folder:
        kubeconfig = Path(folder, "kubeconfig")
        if name not in _kind("get", "clusters").split():
            with progress.step(f"make the kind cluster {name}, once"):
                _create(name, kubeconfig)
        kubeconfig.write_text(_kind("get", "kubeconfig", "--name", name))
        kubeconfig.chmod(0o600)
        yield name, kubeconfig


def _create(name: str, kubeconfig: Path) -> None:
    configuration = os.environ.get(CONFIGURATION)
    options = ["--config", configuration] if configuration else []
    try:
        _kind("create", "cluster", "--name", name, "--kubeconfig", str(kubeconfig), "--wait", "180s", *options)
    except CommandError as error:
        fix = f"try `kind create cluster --name {name}`; {CONFIGURATION} names a configuration of kind"
        raise PromotionError("no-cluster", f"kind made no cluster:\n{error.stderr}", fix=fix) from error


def _kind(*arguments: str) -> str:
    return run("kind", *arguments, cwd=Path.cwd()).decode()


@contextmanager
def throw_away_namespace(beginning: str, kubeconfig: Path) -> Iterator[Namespace]:
    """Make a namespace that enforces the restricted Pod Security level; remove it in the end, whatever happens."""
    namespace = Namespace(f"{beginning}-{secrets.token_hex(3)}", kubeconfig)
    try:
        namespace.kubectl("create", "namespace", namespace.name)
        namespace.kubectl("label", "namespace", namespace.name, _RESTRICTED)
        yield namespace
    finally:
        namespace.kubectl("delete", "namespace", namespace.name, "--ignore-not-found", "--wait=false")
