"""Mage's job queue with one child process per job and nothing in between."""

from __future__ import annotations

import contextlib
import functools
import logging
import mmap
import os
import signal
from collections.abc import Callable, Iterable
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from typing import Any

import psutil

_Call = Callable[[], Any]
_logger = logging.getLogger(__name__)
_expendable: mmap.mmap | None = None  # of the job whose process we are


class _Job(ForkProcess):
    """A job's process. It shares one byte with the scheduler: whether it may be ended at any time."""

    def __init__(self, job_id: str, call: _Call) -> None:
        self.expendable = mmap.mmap(-1, 1)
        super().__init__(target=_run, args=(call, self.expendable), name=job_id)


def become_expendable() -> None:
    """Tell the scheduler that nothing is lost with the job whose process we are: what it waits for goes on.

    By memory that they share: when the scheduler has to stop, the database may be away.
    """
    if _expendable:
        _expendable[0] = 1


# MAGE.md: job-lost-in-queue
class JobQueue:
    """Takes the place of Mage's ProcessQueue, whose methods it has.

    Mage hands jobs to a pool process through a pipe; what arrives as the pool ends stays queued until another job
    comes. Here the scheduler keeps them and forks for each: none gets lost, it knows what runs when it has to
    stop, and it needs neither the pool process nor the one that holds Mage's dictionary of jobs.
    """

    def __init__(self, concurrency: int) -> None:
        """Run at most `concurrency` jobs at once."""
        self._concurrency = concurrency
        self._waiting: dict[str, _Call] = {}
        self._running: dict[str, _Job] = {}

    # MAGE.md: queue-methods
    def enqueue(self, job_id: str, target: Callable[..., Any], *arguments: Any) -> None:
        """Keep the job for `start_waiting`."""
        if not self.has_job(job_id):
            self._waiting[job_id] = functools.partial(target, *arguments)

    def has_job(self, job_id: str, logger: object = None, logging_tags: object = None) -> bool:
        """Whether the job waits or runs."""
        return job_id in self._waiting or job_id in self._running

    def kill_job(self, job_id: str) -> None:
        """End the job and what it started."""
        self._waiting.pop(job_id, None)
        if process := self._running.get(job_id):
            _kill(process)

    def kill_expendable(self) -> None:
        """End the jobs that nothing is lost with."""
        for process in self._running.values():
            if process.expendable[0]:
                _kill(process)

    def clean_up_jobs(self) -> None:
        """Do nothing: `collect` does it."""

    def running(self) -> list[str]:
        """Return the jobs that have a process."""
        return list(self._running)

    def start_waiting(self) -> bool:
        """Start jobs in their order, as many as there is room for, and return whether there were any.

        Between two turns of the loop, when no transaction is open that a fork would share.
        """
        started = list(self._waiting)[: self._concurrency - len(self._running)]
        for job_id in started:
            self._running[job_id] = _Job(job_id, self._waiting.pop(job_id))
            self._running[job_id].start()
        return bool(started)

    def collect(self, seconds: float, wakers: Iterable[int] = ()) -> bool:
        """Wait until a job ends or a waker can be read, at most `seconds`; return whether a job ended well."""
        wait([*wakers, *(process.sentinel for process in self._running.values())], seconds)
        ended = {job_id: process for job_id, process in self._running.items() if not process.is_alive()}
        for job_id, process in ended.items():
            del self._running[job_id]
            if process.exitcode:
                _logger.warning("%s %s.", job_id, _ending(process.exitcode))
        self._reap_orphans()
        return any(process.exitcode == 0 for process in ended.values())

    def _reap_orphans(self) -> None:
        """Collect what jobs left behind and has ended: in a container orphans come to its first process."""
        ours = {process.pid for process in self._running.values()}
        for child in psutil.Process().children():
            if child.pid not in ours:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(child.pid, os.WNOHANG)


def _run(call: _Call, expendable: mmap.mmap) -> None:
    """Do the job; we are its process."""
    global _expendable
    # MAGE.md: job-session
    from mage_ai.orchestration.db import engine
    from mage_ai.orchestration.db.process import start_session_and_run

    from mage_pod import patience

    _expendable = expendable
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    engine.dispose(close=False)  # these connections are the scheduler's
    patience.outlast_restart(engine)
    start_session_and_run(call)


def _kill(process: ForkProcess) -> None:
    if pid := process.pid:
        for kill in (os.killpg, os.kill):  # the group is not there before the process has made it
            with contextlib.suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)


def _ending(exit_code: int) -> str:
    if exit_code == -signal.SIGKILL:
        return "was killed: cancelled, timed out or out of memory"
    return f"was ended by signal {-exit_code}" if exit_code < 0 else f"failed with exit code {exit_code}"
