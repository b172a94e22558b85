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
_expendable: mmap.mmap | None = None  # of the job that this process runs


class _Job(ForkProcess):
    """A job's process. It shares one byte with the scheduler: whether it may be ended at any time."""

    def __init__(self, job_id: str, call: _Call) -> None:
        self.expendable = mmap.mmap(-1, 1)
        super().__init__(target=_run, args=(call, self.expendable), name=job_id)


def become_expendable() -> None:
    """Tell the scheduler that it may end this process at any time: what its job waits for goes on.

    Shared memory tells it, because the database may be away when the scheduler has to stop.
    """
    if _expendable:
        _expendable[0] = 1


# MAGE.md: job-lost-in-queue
class JobQueue:
    """Replaces Mage's ProcessQueue, and has its methods.

    Mage hands jobs to a pool process through a pipe; a job that arrives while the pool ends stays queued until
    another job comes. Here the scheduler keeps the jobs and forks for each: no job gets lost, and the scheduler
    knows what runs when it has to stop. It needs neither the pool process nor the process that holds Mage's
    dictionary of jobs.
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
        """End the jobs that may be ended at any time."""
        for process in self._running.values():
            if process.expendable[0]:
                _kill(process)

    def clean_up_jobs(self) -> None:
        """Do nothing: `collect` does it."""

    def running(self) -> list[str]:
        """Return the jobs that have a process."""
        return list(self._running)

    def start_waiting(self) -> bool:
        """Start waiting jobs in their order, as many as there is room for; return whether any was started.

        Call it between two turns of the loop: then no transaction is open that a fork would share.
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
        """Collect ended processes that jobs left behind: in a container its first process inherits them."""
        ours = {process.pid for process in self._running.values()}
        for child in psutil.Process().children():
            if child.pid not in ours:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(child.pid, os.WNOHANG)


def _run(call: _Call, expendable: mmap.mmap) -> None:
    """Do the job, in a process of its own."""
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
        for kill in (os.killpg, os.kill):  # the group does not exist until the process has made it
            with contextlib.suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)


def _ending(exit_code: int) -> str:
    if exit_code == -signal.SIGKILL:
        return "was killed: cancelled, timed out or out of memory"
    return f"was ended by signal {-exit_code}" if exit_code < 0 else f"failed with exit code {exit_code}"
