"""Mage's web UI and its scheduler on this machine, in one process, as `mage start` runs them."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from basics import progress
from basics.errors import PromotionError
from basics.supervised import supervised
from mage_pod.mage_api import ApiError, MageApi
from mage_pod.waiting import NotInTime, until

_HOST = "127.0.0.1"
_USUAL_PORT = 6789
_START_SECONDS = 120
_LINES_SHOWN = 15


@dataclass(frozen=True)
class Web:
    """A running Mage: its address, and the file that it writes its log to."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    def wait_until_it_takes(self, email: str, password: str) -> bool:
        """Wait until the user can log in, and return whether it can: Mage answers before it has users."""

        def logged_in_or_ended() -> bool:
            return self.process.poll() is not None or self._takes(email, password)

        with suppress(NotInTime):
            until(logged_in_or_ended, "Mage", _START_SECONDS)
            return self.process.poll() is None
        return False

    def _takes(self, email: str, password: str) -> bool:
        try:
            MageApi(self.address).log_in(email, password)
        except ApiError:
            return False
        return True

    def last_words(self) -> str:
        """Return the end of the log, with the place of all of it."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return "\n".join([f"its last words, from {self.log}:", *lines[-_LINES_SHOWN:]])


@contextmanager
def local_web(project: Path, *, port: int, environment: Mapping[str, str], log: Path) -> Iterator[Web]:
    """Run Mage's server and scheduler on the project, in the folder of `log`.

    Without `supervised`, scheduler and workers would outlive the server.
    """
    # MAGE.md: outlives-its-parent
    # As a module: the first line of the console script fails if its path has a space.
    command = [sys.executable, "-P", "-m", "mage_ai.cli.main", "start", str(project)]
    with (
        log.open("wb") as output,
        supervised(
            [*command, "--host", _HOST, "--port", str(port)],
            environment=environment,
            cwd=log.parent,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        yield Web(process, f"http://{_HOST}:{port}", log)


# MAGE.md: next-port
def free_port() -> int:
    """Return Mage's usual port, or another that is free: if its port is busy, Mage silently takes another."""
    for port in (_USUAL_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                progress.say(f"Port {port} is in use: Mage gets another.")
                continue
            found: int = probe.getsockname()[1]
            return found
    raise PromotionError("no-free-port", f"{_HOST} has no free port", fix="end a program that uses one")
