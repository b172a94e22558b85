"""A namespace of a cluster, reached with kubectl and helm, and ports of this machine that lead into it."""

from __future__ import annotations

import base64
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import IO, Any

from basics.errors import GateCouldNotRun, PromotionError
from basics.process import run
from basics.supervised import supervised
from mage_pod.waiting import NotInTime, until

SECONDS = 900.0  # for one command; an installation's own limit is shorter
_FORWARDING = re.compile(rb"Forwarding from 127\.0\.0\.1:(\d+)")
_FORWARD_SECONDS, _FORWARD_WORDS = 60, 4096


@dataclass(frozen=True)
class Namespace:
    """A namespace. By default, `kubeconfig` is the user's own file and `context` its current context."""

    name: str
    kubeconfig: Path | None = None
    context: str | None = None

    def __str__(self) -> str:
        return f"namespace {self.name} of {self.context or 'the current context'}"

    def kubectl(self, *arguments: str, stdin: str = "", seconds: float = SECONDS) -> str:
        """Run kubectl here and return what it printed; raises `CommandError`."""
        words = self.command(*arguments)
        return run(*words, cwd=Path.cwd(), stdin=stdin.encode(), seconds=seconds).decode(errors="replace")

    def helm(self, *arguments: str, seconds: float = SECONDS) -> str:
        """Run helm here and return what it printed; raises `CommandError`."""
        return run(*self.helm_command(*arguments), cwd=Path.cwd(), seconds=seconds).decode(errors="replace")

    def get(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the objects that `kubectl get` finds."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", *arguments, "--output=json"))["items"]
        return found

    def apply(self, *objects: dict[str, Any]) -> None:
        """Create objects or change them."""
        document = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "--filename=-", stdin=json.dumps(document))

    def secret(self, name: str) -> dict[str, str]:
        """Return what the Secret holds."""
        data = json.loads(self.kubectl("get", "secret", name, "--output=json"))["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of kubectl in this namespace."""
        return ["kubectl", *self._options("context"), *arguments]

    def helm_command(self, *arguments: str) -> list[str]:
        """Return the command line of helm in this namespace."""
        return ["helm", *self._options("kube-context"), *arguments]

    def _options(self, context: str) -> Iterator[str]:
        yield f"--namespace={self.name}"
        if self.kubeconfig:
            yield f"--kubeconfig={self.kubeconfig}"
        if self.context:
            yield f"--{context}={self.context}"


class PortForward:
    """A port of this machine that leads to a port of `target`, until it is closed.

    kubectl ends when a connection through it breaks or the pod at its other end is gone (kubernetes/kubectl#1169
    and #686). So ask `connect` for the port before each connection: it starts kubectl again where needed. `begun`
    counts the starts: after a new one, the pod may be of another release.
    """

    def __init__(self, namespace: Namespace, target: str, port: int | str) -> None:
        self.namespace, self.target, self.port = namespace, target, port
        self._running = ExitStack()
        self._process: Popen[bytes] | None = None
        self._local = self.begun = 0

    def __enter__(self) -> PortForward:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> int:
        """Return the port of this machine, the same each time; raise `PromotionError` with kubectl's words."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._begin()
        return self._local

    def close(self) -> None:
        """End kubectl; `connect` starts it again."""
        self._running.close()

    def _begin(self) -> None:
        said = self._running.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 it is
        command = self.namespace.command("port-forward", self.target, f"{self._local or ''}:{self.port}")
        process = supervised(command, environment=os.environ, stdout=said, stderr=said)
        self._process = self._running.enter_context(process)
        self._local = self._forwarding(said, self._process)
        self.begun += 1

    def _forwarding(self, said: IO[bytes], process: Popen[bytes]) -> int:
        """Wait until kubectl says that it listens; raise anything else that it says."""

        def look() -> list[bytes]:
            ended = process.poll() is not None  # asked before reading: its last words are there then
            text = os.pread(said.fileno(), _FORWARD_WORDS, 0)
            found = _FORWARDING.findall(text)
            if ended and not found:
                raise self._none(text.decode(errors="replace").strip() or "no answer")
            return found

        try:
            return int(until(look, "an open port", _FORWARD_SECONDS)[0])
        except NotInTime as late:
            raise self._none(str(late)) from None

    def _none(self, words: str) -> PromotionError:
        told = f"kubectl port-forward to {self.target}: {words}"
        return GateCouldNotRun("no-port-forward", told, fix="try again")
