"""A git server in a pod, which the cluster reads from and this machine pushes to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers import git
from kind.cluster import Namespace, eventually
from kind.docker import build
from kind.release import PortForward

IMAGE = "mage-tests/git:1"  # see git/Dockerfile
_PORT = 9418
_PATH = "pipelines.git"
_SERVE = (
    f"git init --quiet --bare --initial-branch=main /srv/{_PATH} && "
    "exec git daemon --reuseaddr --export-all --enable=receive-pack --base-path=/srv"
)
_USER = 10001


class GitServer:
    """One empty repository; `url` is its address in the cluster."""

    def __init__(self, namespace: Namespace, image: str) -> None:
        """Start the server and wait until it answers."""
        namespace.apply(_pod(image), _service())
        namespace.kubectl("wait", "pod/git", "--for=condition=Ready", "--timeout=120s")
        self.url = f"git://git.{namespace.name}.svc.cluster.local/{_PATH}"
        self._forward = PortForward(namespace, "pod/git", _PORT)

    def clone(self, folder: Path) -> Path:
        """Make `folder` a clone of the repository, in which nothing is yet."""
        folder.mkdir()
        git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
        git(folder, "remote", "add", "origin", f"git://127.0.0.1:{self._forward.local}/{_PATH}")
        eventually(lambda: git(folder, "ls-remote", "origin") == "")
        return folder

    def close(self) -> None:
        """End the way to it; the pod goes with its namespace."""
        self._forward.close()


def build_image() -> str:
    """Build the image of the server and return its name."""
    return build(IMAGE, "git")


def _pod(image: str) -> dict[str, Any]:
    container = {
        "name": "git",
        "image": image,
        "command": ["sh", "-c", _SERVE],
        "readinessProbe": {"tcpSocket": {"port": _PORT}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "srv", "mountPath": "/srv"}],
    }
    security = {
        "runAsNonRoot": True,
        "runAsUser": _USER,
        "fsGroup": _USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    spec = {"securityContext": security, "containers": [container], "volumes": [{"name": "srv", "emptyDir": {}}]}
    metadata = {"name": "git", "labels": {"app": "git"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _service() -> dict[str, Any]:
    spec = {"selector": {"app": "git"}, "ports": [{"port": _PORT}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "git"}, "spec": spec}
