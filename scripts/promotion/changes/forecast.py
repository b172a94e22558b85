"""What Mage will do with a trigger after a release: its next runs, and whether it starts at once.

The chart sets `last_enabled_at` whenever it makes or resumes a trigger, or gives it another interval or pipeline:
Mage then waits for the next time of the interval. If the interval has no times, Mage does not wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from promotion.configuration.environment import Schedule
from promotion.configuration.interval import ALWAYS_ON, ONCE, times

_SHOWN = 3  # runs

_WITHOUT_TIMES = {ONCE: "one run only", ALWAYS_ON: "a new run after each run"}
_AT_ONCE = {
    ONCE: "@once runs as soon as possible, unless the trigger has already run",
    ALWAYS_ON: "@always_on runs as soon as possible, unless a run has not ended yet",
}


@dataclass(frozen=True)
class Runs:
    """The next runs of a trigger: times in UTC, or a description where it has no times."""

    times: tuple[datetime, ...]
    otherwise: str = ""


@dataclass(frozen=True)
class Forecast:
    """The runs of a trigger before and after a release, None where it does not exist; why it starts at once."""

    before: Runs | None
    after: Runs | None
    at_once: str | None


def forecast(old: Schedule | None, new: Schedule | None, now: datetime) -> Forecast:
    """Compute the forecast for a trigger that a release changes from `old` to `new`."""
    return Forecast(_runs(old, now), _runs(new, now), _at_once(old, new))


def _runs(schedule: Schedule | None, now: datetime) -> Runs | None:
    if schedule is None:
        return None
    if not schedule.enabled:
        return Runs((), "paused")
    return Runs(tuple(islice(times(schedule.interval, now), _SHOWN)), _WITHOUT_TIMES.get(schedule.interval, ""))


def _at_once(old: Schedule | None, new: Schedule | None) -> str | None:
    if new is None or not new.enabled or (old is not None and _goes_on(old, new)):
        return None
    return _AT_ONCE.get(new.interval)


def _goes_on(old: Schedule, new: Schedule) -> bool:
    """Tell whether Mage sees no change: @once does not run again, even if its pipeline is another."""
    if not old.enabled or old.interval != new.interval:
        return False
    return old.pipeline == new.pipeline or new.interval == ONCE
