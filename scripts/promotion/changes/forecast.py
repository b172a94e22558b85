"""What Mage will do with a trigger after a release: its next runs, and whether it starts at once.

The chart sets `last_enabled_at` whenever it makes or resumes a trigger, or gives it another interval or pipeline:
Mage then waits for the next time of the interval. If the interval has no times, Mage does not wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile

from promotion.configuration.interval import ALWAYS_ON, ONCE, times
from promotion.configuration.schedule import API, EVENT, Schedule

_SHOWN = 3  # runs
_TIMING = ("type", "interval", "start", "lands")
_MOMENT = timedelta(microseconds=1)
_LONGEST = timedelta(days=32)  # between two times of the words that may have a landing time

_WITHOUT_TIMES = {
    API: "at each call of its address",
    EVENT: "at each event that matches",
    ONCE: "one run only",
    ALWAYS_ON: "a new run after each run",
}
_AT_ONCE = {
    ONCE: "@once runs as soon as possible, unless the trigger has already run",
    ALWAYS_ON: "@always_on runs as soon as possible, unless a run has not ended yet",
}
_TO_LAND = (
    "the run for the landing time of this interval starts as soon as possible, unless it was made already, or "
    "earlier runs tell how long it takes"
)
_BEGUN = "createInitialPipelineRun runs for the interval that has begun, unless the trigger has already run for it"


@dataclass(frozen=True)
class Runs:
    """The next runs of a trigger: times in UTC, or a description where it has no times.

    If it `lands`, the times are those when a run has to have ended.
    """

    times: tuple[datetime, ...]
    otherwise: str = ""
    lands: bool = False


@dataclass(frozen=True)
class Forecast:
    """The runs of a trigger before and after a release, None where it does not exist; why it starts at once."""

    before: Runs | None
    after: Runs | None
    at_once: str | None


def forecast(old: Schedule | None, new: Schedule | None, now: datetime) -> Forecast:
    """Compute the forecast for a trigger that a release changes from `old` to `new`."""
    return Forecast(_runs(old, now), _runs(new, now), _at_once(old, new, now))


def _runs(schedule: Schedule | None, now: datetime) -> Runs | None:
    if schedule is None:
        return None
    if not schedule.enabled:
        return Runs((), "paused")
    kind = schedule.interval or schedule.type
    if schedule.lands:
        return Runs(tuple(islice(_landings(schedule, now), _SHOWN)), lands=True)
    if kind in _WITHOUT_TIMES:
        ahead = (schedule.start,) if schedule.start and schedule.start > now else ()
        return Runs(ahead, _WITHOUT_TIMES[kind])
    first = max(now, schedule.start - _MOMENT) if schedule.start else now
    return Runs(tuple(islice(times(kind, first), _SHOWN)))


# MAGE.md: trigger-times
def _landings(schedule: Schedule, now: datetime) -> Iterator[datetime]:
    """Yield the moments when runs have to have ended: for each interval, the time of day of `start` in it."""
    assert schedule.start is not None  # without a start, Mage has no landing time
    for begin in times(schedule.interval, now - _LONGEST):
        landing = _landing(schedule.interval, begin, schedule.start)
        if landing > now and landing >= schedule.start:
            yield landing


def _landing(interval: str, begin: datetime, start: datetime) -> datetime:
    """Return the landing time in the interval that begins at `begin`, as Mage computes it."""
    hour = begin.hour if interval == "@hourly" else start.hour
    days = {"@weekly": start.weekday(), "@monthly": start.day - 1}.get(interval, 0)
    return begin.replace(hour=hour, minute=start.minute, second=start.second) + timedelta(days=days)


def _has_begun(schedule: Schedule, now: datetime) -> bool:
    """Tell whether Mage counts the interval of `now`: it does not if the interval began before the start."""
    if schedule.start is None:
        return True
    if schedule.lands:
        return _landing_now(schedule, now) >= schedule.start
    return any(begin <= now for begin in islice(times(schedule.interval, schedule.start - _MOMENT), 1))


def _landing_now(schedule: Schedule, now: datetime) -> datetime:
    """Return the landing time of the interval of `now`."""
    assert schedule.start is not None
    *_, begin = takewhile(lambda begin: begin <= now, times(schedule.interval, now - _LONGEST))
    return _landing(schedule.interval, begin, schedule.start)


def _at_once(old: Schedule | None, new: Schedule | None, now: datetime) -> str | None:
    if new is None or not new.enabled:
        return None
    goes_on = old is not None and _goes_on(old, new)
    if new.interval not in _AT_ONCE and new.runs_for_begun_interval:
        as_before = goes_on and old is not None and old.runs_for_begun_interval
        return _BEGUN if _has_begun(new, now) and not as_before else None
    if goes_on:
        return None
    if new.lands:
        return _TO_LAND if _has_begun(new, now) and _landing_now(new, now) > now else None
    return None if new.start and new.start > now else _AT_ONCE.get(new.interval)


def _goes_on(old: Schedule, new: Schedule) -> bool:
    """Tell whether Mage sees no change: @once does not run again, even if its pipeline is another."""
    if not old.enabled or any(
        getattr(old, key) != getattr(new, key) for key in ("type", "interval", "start", "lands")
    ):
        return False
    return old.pipeline == new.pipeline or new.interval == ONCE
