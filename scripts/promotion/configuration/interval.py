"""When a schedule runs: one of Mage's words, or five cron fields, in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

ONCE, ALWAYS_ON = "@once", "@always_on"
# MAGE.md: trigger-times
# The words that stand for times. Mage's @weekly runs on Mondays, cron's own on Sundays.
_TIMES = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * mon", "@monthly": "0 0 1 * *"}
WORDS = (ONCE, *_TIMES, ALWAYS_ON)
TIMED_WORDS = tuple(_TIMES)
# Other words of cron that Mage takes.
_ALIASES = {"@annually": "0 0 1 1 *", "@midnight": "0 0 * * *", "@yearly": "0 0 1 1 *"}
_FIVE, _AND_NO_SECONDS = 5, "0"


class _Field(NamedTuple):
    """What a cron field may hold: the smallest and the largest number, and the names that stand for numbers."""

    smallest: int
    largest: int
    names: Mapping[str, int]

    def all(self, step: int = 1) -> range:
        return range(self.smallest, self.largest + 1, step)

    def number(self, text: str) -> int:
        if text.lower() in self.names:
            return self.names[text.lower()]
        if text.isdecimal() and int(text) in self.all():
            return int(text)
        raise ValueError(f"{text} is out of bounds")


_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "7"]  # cron's other name for Sunday
_OF_MONTH = _Field(1, 31, {})
_OF_WEEK = _Field(0, 6, {name: number % 7 for number, name in enumerate(_DAYS)})
_FIELDS = (
    _Field(0, 59, {}),
    _Field(0, 23, {}),
    _OF_MONTH,
    _Field(1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    _OF_WEEK,
)
_ANY = ("*", "?")
_LAST_DAY = 0  # among the days of a month
# A weekday of one week of a month: its number, and 7 for each week, the first to the fifth and then the last.
_WEEK, _LAST_WEEK = 7, 6
_PART = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/([1-9]\d*))?")
_OF_ONE_WEEK = re.compile(r"(\w+)#([1-5])|[lL]([0-7])")
_LONGEST = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}  # days by month
_AHEAD = 8 * 366  # days: enough for the next 29 February, also around 2100


# MAGE.md: day-that-never-comes
def is_interval(text: str) -> bool:
    """Tell whether Mage can run a schedule at `text`: its scheduler stops at a date that does not exist."""
    try:
        return text in WORDS or _comes(_parsed(text))
    except ValueError:
        return False


def as_five_fields(interval: str) -> str:
    """Return the interval of a trigger of Mage as values write it, if they can: the same times."""
    fields = _ALIASES.get(interval, interval).split()
    return " ".join(fields[:_FIVE] if fields[_FIVE:] == [_AND_NO_SECONDS] else fields)


def _comes(numbers: Sequence[set[int]]) -> bool:
    _, _, days, months, _ = numbers
    return any(min(days) <= _LONGEST.get(month, 31) for month in months)


def times(interval: str, after: datetime) -> Iterator[datetime]:
    """Yield the times of `interval` after a moment, for some years; @once and @always_on have none."""
    if interval in (ONCE, ALWAYS_ON):
        return
    fields = _TIMES.get(interval, interval)
    minutes, hours, *_ = _parsed(fields)
    for day in _days(fields, after.astimezone(UTC).date()):
        for hour in sorted(hours):
            for minute in sorted(minutes):
                moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
                if moment > after:
                    yield moment


def _days(fields: str, first: date) -> Iterator[date]:
    """Yield the days of the times: if both the day and the weekday are restricted, either may match."""
    _, _, days, months, weekdays = _parsed(fields)
    _, _, of_month, _, of_week = fields.split()
    conditions = (
        not _is_any(of_month, of_week, whole=len(days) == len(_FIELDS[2].all())),
        not _is_any(of_week, of_month, whole=len(weekdays) == len(_FIELDS[4].all())),
    )
    enough = any if all(conditions) else all
    for number in range(_AHEAD):
        day = first + timedelta(days=number)
        if day.month in months and enough((_is_of_month(day, days), _is_of_week(day, weekdays))):
            yield day


def _is_of_month(day: date, days: set[int]) -> bool:
    return day.day in days or (_LAST_DAY in days and (day + timedelta(days=1)).day == 1)


def _is_of_week(day: date, weekdays: set[int]) -> bool:
    weekday, week = day.isoweekday() % 7, (day.day - 1) // 7 + 1
    is_last = (day + timedelta(days=7)).month != day.month
    return bool(weekdays & {weekday, _WEEK * week + weekday, *([_WEEK * _LAST_WEEK + weekday] if is_last else [])})


def _is_any(field: str, other: str, *, whole: bool) -> bool:
    """Tell whether a field of days is no restriction for Mage: `*`, or a `whole` list beside a star."""
    return field == "?" or "*" in field.split(",") or (whole and "*" in other)


def _parsed(fields: str) -> list[set[int]]:
    parsed = [
        {number for part in field.split(",") for number in _part(part, allowed)}
        for field, allowed in zip(fields.split(), _FIELDS, strict=True)
    ]
    of_one_week = {number for number in parsed[-1] if number >= _WEEK}
    if of_one_week and (of_one_week != parsed[-1] or fields.split()[2] not in _ANY):
        raise ValueError("Mage takes a weekday of one week of the month only where it alone chooses the day")
    return parsed


def _part(text: str, field: _Field) -> Sequence[int]:
    """Return the numbers of one part of a field, as Mage's cron library reads it."""
    if text == "?" and field in (_OF_MONTH, _OF_WEEK):
        return field.all()
    if text in ("l", "L") and field is _OF_MONTH:
        return [_LAST_DAY]
    one_week = _OF_ONE_WEEK.fullmatch(text) if field is _OF_WEEK else None
    if one_week:
        week = int(one_week[2] or _LAST_WEEK)
        return [_WEEK * week + field.number(one_week[1] or one_week[3])]
    found = _PART.fullmatch(text)
    if not found:
        raise ValueError(f"{text} is not a number, a range or a step")
    first, last, step = found[1], found[2], int(found[3] or 1)
    if first is None:
        return field.all(step)
    low = field.number(first)
    if last is None and found[3] is None:
        return [low]
    high = field.number(last) if last else field.largest
    if low == high:
        return field.all(step)  # a full circle
    if low < high:
        return range(low, high + 1, step)
    upper = range(low, field.largest + 1, step)
    over = upper[-1] + step - field.largest - 1
    # Past the largest number, the library goes one too far where the step does not fit evenly.
    return [*upper, *range(field.smallest + over + (over > 0), high + 1, step)]
