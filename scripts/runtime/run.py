"""Run pipelines of a project tree on this machine, many in one child process, and report every block."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import mage_pod
from basics.supervised import supervised
from runtime.python_path import python_path

_WORKER = Path(__file__).with_name("worker.py")
_MAGE_POD = Path(mage_pod.__path__[0]).parent
_START_SECONDS = 120
# A socket's path has room for 107 characters, and Mage's process manager adds 32 to its temporary folder.
# MAGE.md: manager-socket
_SOCKET_FOLDER = 70
# What a run may see of this machine; it must be given everything else, as in a pod.
_INHERITED = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SSL_CERT_FILE")


class WorkerError(RuntimeError):
    """Mage did not start on the project; the message has the last lines that it wrote."""


@dataclass(frozen=True)
class Run:
    """One run to make: a pipeline and its runtime variables (`execution_date` is an ISO date).

    With a `block`, only that one runs, after those whose outputs it needs.
    """

    pipeline: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    block: str | None = None


@dataclass(frozen=True)
class BlockResult:
    """The result of one block; `status` is completed, failed, skipped (a condition was false) or upstream_failed.

    A block that did not fail can have the `error` of its condition or callback: Mage goes on, but the run has
    failed.
    """

    block: str
    status: str
    seconds: float
    rows: int | None = None
    error: str | None = None
    output: str | None = None  # what it printed
    input: Sequence[str] = ()  # of a failed block: what each block before it gave, in one line


@dataclass(frozen=True)
class RunResult:
    """The result of one run, completed or failed, and its blocks in the order in which they ran."""

    pipeline: str
    variables: Mapping[str, Any]
    status: str
    seconds: float
    blocks: tuple[BlockResult, ...]
    error: str | None = None


def run_pipelines(
    project: Path,
    runs: Sequence[Run],
    *,
    environment: Mapping[str, str],
    timeout: float = 600,
    sensor_seconds: float = 5,
) -> Iterator[RunResult]:
    """Run each of `runs` in turn with Mage's own scheduler functions; yield one result for each, in order.

    Blocks have the variables of `environment`, PATH and the locale, and no others; nothing is written to
    `project`. A run may take `timeout` seconds; a sensor must be true within `sensor_seconds`. A run that fails,
    takes too long or kills its process is a result like any other. The next run starts when the next result is
    asked for, so that the caller can look at the tables in between. Raises `WorkerError` when Mage itself cannot
    start.
    """
    done = 0
    while done < len(runs):
        with _worker(project.absolute(), environment, sensor_seconds) as worker:
            for result in _follow(worker, runs[done:], timeout):
                done += 1
                yield result


@contextmanager
def _worker(project: Path, environment: Mapping[str, str], sensor_seconds: float) -> Iterator[_Worker]:
    """Start `worker.py` in a scratch folder: its home, with its data and metadata database."""
    with tempfile.TemporaryDirectory(prefix="mage-run-") as scratch:
        log = Path(scratch, "log")
        events, theirs = os.pipe()
        with (
            log.open("w+b") as noise,
            supervised(
                [sys.executable, "-P", str(_WORKER), str(theirs)],
                stop=signal.SIGKILL,
                environment=worker_environment(environment, project, Path(scratch)),
                cwd=Path(scratch),
                stdin=subprocess.PIPE,
                stdout=noise,
                stderr=noise,
                pass_fds=[theirs],
            ) as process,
        ):
            os.close(theirs)
            with open(events, "rb") as pipe:  # noqa: PTH123 a descriptor, not a path
                worker = _Worker(process, pipe, log)
                worker.ask({"project": str(project), "sensor_seconds": sensor_seconds})
                yield worker


def worker_environment(given: Mapping[str, str], project: Path, scratch: Path) -> dict[str, str]:
    """Return all environment variables of the worker."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    own = {
        "HOME": str(scratch),
        "MAGE_REPO_PATH": str(project),
        "PYTHONPATH": f"{python_path(project)}{os.pathsep}{_MAGE_POD}",
        "MAGE_DATA_DIR": str(scratch / "data"),
        "MAGE_DATABASE_CONNECTION_URL": f"sqlite:///{scratch / 'metadata.db'}",
        # MAGE.md: memory-guard
        "DEFAULT_EXECUTOR_TYPE": "local_python_force",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # R and Mage's own processes leave folders in `scratch`, if it will do.
    return {**inherited, **given, **own, **temporary_folder(str(scratch), os.environ.get("TMPDIR"))}


def temporary_folder(*folders: str | None) -> dict[str, str]:
    """Return TMPDIR for Mage: the first of `folders` with room for its manager's socket; without one, nothing."""
    fitting = [folder for folder in folders if folder and len(folder) <= _SOCKET_FOLDER]
    return {"TMPDIR": fitting[0]} if fitting else {}


def _follow(worker: _Worker, runs: Sequence[Run], timeout: float) -> Iterator[RunResult]:
    """Yield a result for each of `runs`, up to and including one that ends the worker."""
    try:
        worker.next(time.monotonic() + _START_SECONDS)
    except _Lost as loss:
        raise WorkerError(f"Mage did not start: {loss}\n{worker.last_words()}") from None
    for run in runs:
        progress = _Progress(run, timeout)
        worker.ask({"pipeline": run.pipeline, "variables": dict(run.variables), "block": run.block})
        try:
            while (event := worker.next(progress.deadline)).pop("event") != "end":
                progress.note(event)
        except _Lost as loss:
            yield progress.lost(str(loss))
            return
        yield progress.end(event["error"])


class _Lost(Exception):
    """The worker has ended or is too slow: it will say nothing more."""


class _Worker:
    """The parent's end of a running worker."""

    def __init__(self, process: subprocess.Popen[bytes], events: BinaryIO, log: Path) -> None:
        self._process = process
        self._events = events
        self._log = log
        self._unread = b""

    def ask(self, request: Mapping[str, Any]) -> None:
        """Send one request; whether the worker has ended shows when its answer is waited for."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(json.dumps(request, default=str).encode() + b"\n")
                self._process.stdin.flush()

    def next(self, deadline: float) -> dict[str, Any]:
        """Wait for one event; `_Lost` when the worker has ended or `deadline` (time.monotonic) passes."""
        while b"\n" not in self._unread:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._events], [], [], left)[0]:
                raise _Lost("timed out")
            received = os.read(self._events.fileno(), 65536)
            if not received:
                raise _Lost(_ending(self._process.wait()))
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        event: dict[str, Any] = json.loads(line)
        return event

    def last_words(self) -> str:
        """Return the end of what the worker and Mage wrote to the terminal."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


def _ending(code: int) -> str:
    """Say how a process ended, from its exit code."""
    if code > 128:
        return f"its process was killed by {signal.Signals(code - 128).name}"
    return f"its process exited with code {code}"


class _Progress:
    """What is known of a run that has not ended."""

    def __init__(self, run: Run, timeout: float) -> None:
        self._run = run
        self._started = time.monotonic()
        self._end = self._started + timeout
        self._blocks: list[BlockResult] = []
        self._running: str | None = None
        self._since = self._started
        self.deadline = self._end

    def note(self, event: dict[str, Any]) -> None:
        """Record that a block has started or is done."""
        if "status" in event:
            self._blocks.append(BlockResult(**event))
            self._running, self.deadline = None, self._end
        else:
            self._running, self._since = event["block"], time.monotonic()
            self.deadline = min(self._end, self._since + (event["timeout"] or float("inf")))

    def end(self, error: str | None) -> RunResult:
        """Return the result of a run that has ended by itself."""
        seconds = time.monotonic() - self._started
        status = "failed" if error else "completed"
        return RunResult(self._run.pipeline, self._run.variables, status, seconds, tuple(self._blocks), error)

    def lost(self, reason: str) -> RunResult:
        """Return the result of a run whose process has ended or must be ended."""
        seconds = time.monotonic() - self._since
        if self._running is None:
            return self.end(reason)
        reason = f"{reason} after {seconds:.0f} s"
        self._blocks.append(BlockResult(self._running, "failed", seconds, error=reason))
        return self.end(f"block {self._running}: {reason}; the blocks after it did not run")
