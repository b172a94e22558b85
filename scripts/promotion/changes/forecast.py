"""What Mage will do with a trigger once a release has brought it: its next runs, and whether it starts at once.

The chart sets `last_enabled_at` whenever it makes or resumes a trigger, or gives it another interval or pipeline:
Mage then waits for the next of the interval's times. It has no times to wait for where the interval has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from promotion.configuration.environment import Schedule
from promotion.configuration.interval import ALWAYS_ON, ONCE, times

_SHOWN = 3  # runs

_WITHOUT_TIMES = {ONCE: "one run in all, ever", ALWAYS_ON: "a new run whenever one has ended"}
_AT_ONCE = {
    ONCE: "@once runs as soon as it can, unless the trigger has had a run",
    ALWAYS_ON: "@always_on runs as soon as it can, unless a run is still going on",
}


@dataclass(frozen=True)
class Runs:
    """The next runs of a trigger, in UTC, and in words what they are where they have no times."""

    times: tuple[datetime, ...]
    otherwise: str = ""


@dataclass(frozen=True)
class Forecast:
    """The runs of a trigger without and with a release, None where there is none; why it starts at once, if so."""

    before: Runs | None
    after: Runs | None
    at_once: str | None


def forecast(old: Schedule | None, new: Schedule | None, now: datetime) -> Forecast:
    """Compute what becomes of a trigger that a release changes from `old` to `new`."""
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
    """Tell whether Mage will not notice: with another pipeline, too, @once is a trigger that has had its run."""
    if not old.enabled or old.interval != new.interval:
        return False
    return old.pipeline == new.pipeline or new.interval == ONCE
