"""The kind cluster of smoke tests, made once, and a namespace in it for each test."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from basics import progress
from basics.errors import GateCouldNotRun
from basics.kubectl import Namespace
from basics.process import CommandError, run
from promotion.cluster.state import read_state
from promotion.cluster.troubles import troubles

CLUSTER, CONFIGURATION = "SMOKE_CLUSTER", "KIND_CONFIG"
_NAME = "mage-smoke"
_RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


def troubles_in(namespace: Namespace) -> list[str]:
    """Return a line for each object that does not come up, with the cluster's reason."""
    return [str(trouble) for trouble in troubles(read_state(namespace))]


@contextmanager
def smoke_cluster() -> Iterator[tuple[str, Path]]:
    """Yield name and kubeconfig of the cluster that SMOKE_CLUSTER names; make it if it is missing, and keep it.

    The user's kubeconfig is not used, so later steps cannot reach another cluster.
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
        raise GateCouldNotRun("no-cluster", f"kind made no cluster:\n{error.stderr}", fix=fix) from error


def _kind(*arguments: str) -> str:
    return run("kind", *arguments, cwd=Path.cwd()).decode()


@contextmanager
def throw_away_namespace(beginning: str, kubeconfig: Path) -> Iterator[Namespace]:
    """Make a namespace that enforces the restricted Pod Security level; always remove it at the end."""
    namespace = Namespace(f"{beginning}-{secrets.token_hex(3)}", kubeconfig)
    try:
        namespace.kubectl("create", "namespace", namespace.name)
        namespace.kubectl("label", "namespace", namespace.name, _RESTRICTED)
        yield namespace
    finally:
        namespace.kubectl("delete", "namespace", namespace.name, "--ignore-not-found", "--wait=false")
