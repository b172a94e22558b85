"""The first run of each pipeline that a release changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from promotion.changes.forecast import forecast
from promotion.cluster.scheduler_status import Runs, SchedulerStatus
from promotion.configuration.schedule import Schedule
from promotion.record.release import Release


@dataclass(frozen=True)
class FirstRun:
    """How the first run ended and when; or when a schedule will start it, None where no schedule has a time."""

    pipeline: str
    state: str  # completed | failed | running | none
    at: datetime | None = None
    run: int | None = None
    block: str | None = None  # that failed first

    def __str__(self) -> str:
        when = f"{self.at:%Y-%m-%d %H:%M} UTC" if self.at else ""
        if self.state == "none":
            return f"{self.pipeline}: no run yet" + (f", its schedule starts one at {when}" if when else "")
        if self.state == "running":
            return f"{self.pipeline}: the first run goes on"
        where = f" in block {self.block}" if self.block else ""
        return f"{self.pipeline}: first run {self.state}{where} at {when} (run {self.run})"


def first_runs(
    release: Release, status: SchedulerStatus, schedules: Mapping[str, Schedule], now: datetime
) -> Iterator[FirstRun]:
    """Yield the first run with `release` of each pipeline whose version it brought."""
    for name, released in sorted(release.pipelines.items()):
        if released.since == release.number:
            runs = status.runs.get(name, {}).get(release.number, Runs())
            if first := runs.first:
                yield FirstRun(name, first.status, first.at, first.run, first.block)
            elif runs.running:
                yield FirstRun(name, "running")
            else:
                yield FirstRun(name, "none", _next(name, schedules, now))


def _next(pipeline: str, schedules: Mapping[str, Schedule], now: datetime) -> datetime | None:
    """Return when the next scheduled run begins; None if no schedule of the pipeline has a time."""
    coming = (forecast(None, each, now).after for each in schedules.values() if each.pipeline == pipeline)
    return min((runs.times[0] for runs in coming if runs and runs.times), default=None)
