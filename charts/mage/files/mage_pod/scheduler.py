"""Run Mage's scheduler in the foreground: until SIGTERM, then until its running jobs have ended.

    python3 -m mage_pod.scheduler

SCHEDULER_TRIGGER_INTERVAL, SCHEDULER_DRAIN_SECONDS and SCHEDULER_STUCK_SECONDS are seconds,
SCHEDULER_CONCURRENCY is a number of jobs. It answers /-/live and /-/ready on MAGE_POD_PORT (6790).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from mage_pod import checkout, health
from mage_pod.jobs import JobQueue

_PORT = 6790
_GONE_SECONDS = 30  # a database that restarts answers within seconds, if only that it is not ready
_logger = logging.getLogger(__name__)


def main() -> int:
    """Schedule until SIGTERM; return the exit code."""
    stop = Stop()  # before the slow imports: a SIGTERM that comes earlier is lost
    from mage_pod.startup import start_mage

    pulse = Pulse(stuck_after=_seconds("SCHEDULER_STUCK_SECONDS", 120))
    health.serve(int(os.environ.get("MAGE_POD_PORT", _PORT)), {"/-/live": pulse.stuck, "/-/ready": pulse.trouble})
    queue = JobQueue(int(os.environ.get("SCHEDULER_CONCURRENCY", "20")))
    start_mage(queue)
    return Scheduler(stop, pulse, queue).run()


def _seconds(name: str, default: float) -> float:
    return float(os.environ.get(name, default))


class Stop:
    """Whether SIGTERM has come; from then on the file descriptor `waker` can be read."""

    def __init__(self) -> None:
        """Handle SIGTERM: without a handler the first process of a container does not get it."""
        self.asked = False
        self.waker, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        # MAGE.md: deaf-to-sigterm
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True


@dataclass
class Pulse:
    """What the loop tells the probes."""

    stuck_after: float
    _reason: str = "starting"
    _last: float = field(default_factory=time.monotonic)

    def beat(self, reason: str = "") -> None:
        """Note that the loop has completed a turn, and what prevented its work."""
        if reason not in ("", self._reason):
            _logger.warning("Not scheduling: %s", reason)
        self._reason, self._last = reason, time.monotonic()

    def trouble(self) -> str:
        """Return what prevents the loop's work."""
        return self._reason

    def stuck(self) -> str:
        """Return a reason to restart the process: the loop has not completed a turn for too long."""
        age = time.monotonic() - self._last
        return f"the loop has not completed a turn for {age:.0f} s" if age > self.stuck_after else ""


class Scheduler:
    """Mage's loop and the jobs that it starts."""

    def __init__(self, stop: Stop, pulse: Pulse, queue: JobQueue) -> None:
        """Import what needs Mage to be up."""
        # MAGE.md: scheduler-loop
        from mage_ai.orchestration.db import db_connection, engine, set_db_schema
        from mage_ai.orchestration.triggers.loop_time_trigger import LoopTimeTrigger

        from mage_pod.fence import Fence

        if os.environ.get("DEFAULT_EXECUTOR_TYPE") == "k8s":
            from mage_pod import executors, removal  # here, or each job would take a second for it

            executors.adapt()
            removal.adapt()
        if checkout.are_kept():
            checkout.adapt()
        set_db_schema()
        db_connection.start_session(force=True)
        self._database = db_connection
        self._loop: Any = LoopTimeTrigger()
        self._fence = Fence(engine)
        self._alone = False
        self._stop, self._pulse, self._queue = stop, pulse, queue

    def run(self) -> int:
        """Schedule until SIGTERM, drain, and return the exit code."""
        while not self._stop.asked:
            self._pulse.beat(self._turn())
            if not self._stop.asked:
                self._queue.start_waiting()
            self._pause()
        self._drain()
        return 0

    def _turn(self) -> str:
        """Let Mage look once at what is due; return what prevented it."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            if not self._may_work():
                return "another scheduler works on this database; waiting until its processes have ended"
            self._loop.run()
        except SQLAlchemyError as error:
            return f"the database: {str(error).splitlines()[0]}"
        # MAGE.md: error-ends-all-jobs
        except Exception as error:
            _logger.exception("This turn failed; running blocks go on.")
            return f"{type(error).__name__}: {error}"
        finally:
            self._database.session.remove()
        return ""

    def _may_work(self) -> bool:
        held = self._fence.held()
        if self._alone and not held:
            self._end_jobs()  # the other scheduler starts these jobs again
            sys.exit("Another scheduler has taken over while the database was away.")
        self._alone = held
        return held

    def _pause(self) -> None:
        """Wait until the next turn is due, or a job has ended well: other blocks may wait for it.

        If a waiting job took its place, wait on: while there is much to do, more turns would slow down the jobs.
        """
        due = time.monotonic() + self._loop.trigger_interval
        while not self._stop.asked and (left := due - time.monotonic()) > 0:
            ended_well = self._queue.collect(left, [self._stop.waker])
            if self._stop.asked or (not self._queue.start_waiting() and ended_well):
                return

    def _drain(self) -> None:
        """Give running jobs some time to end; the next scheduler starts the others again.

        A job ends when it has told the database so. If the database was deleted too, there is nothing to wait for.
        """
        begun = answered = time.monotonic()
        seconds = _seconds("SCHEDULER_DRAIN_SECONDS", 600)
        _logger.info("Stopping: waiting for %s", self._queue.running() or "nothing")
        while self._queue.running() and time.monotonic() < min(begun + seconds, answered + _GONE_SECONDS):
            self._pulse.beat("stopping")
            self._queue.kill_expendable()
            self._queue.collect(1)
            answered = time.monotonic() if self._database_answers() else answered
        if late := self._queue.running():
            why = "Out of time" if time.monotonic() >= begun + seconds else "The database is gone"
            _logger.warning("%s: the next scheduler will start these jobs again: %s", why, late)
        self._end_jobs()

    def _database_answers(self) -> bool:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            self._may_work()
        except SQLAlchemyError as error:
            return "FATAL" in str(error)  # the server's own word, for example that it is starting
        return True

    def _end_jobs(self) -> None:
        while running := self._queue.running():
            for job in running:
                self._queue.kill_job(job)
            self._queue.collect(1)


if __name__ == "__main__":
    sys.exit(main())
