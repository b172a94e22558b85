"""A git server in a pod, which the cluster reads from and this machine pushes to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers import git
from kind.cluster import Namespace
from kind.docker import build

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
        self._namespace = namespace

    def clone(self, folder: Path) -> Path:
        """Make `folder` a clone of the repository, in which nothing is yet.

        Its git runs the one in the pod, each time by a kubectl of its own (gitremote-helpers, `git-remote-ext`).
        """
        folder.mkdir()
        git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
        command = self._namespace.command("exec", "--stdin", "pod/git", "--", "git", "%s", f"/srv/{_PATH}")
        git(folder, "remote", "add", "origin", f"ext::{' '.join(word.replace(' ', '% ') for word in command)}")
        git(folder, "config", "protocol.ext.allow", "always")
        return folder


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
