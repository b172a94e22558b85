"""Freeze windows: spans of local time in which nothing new is released."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from basics.yaml_file import malformed
from promotion.configuration.zone import read_zone, zone_of

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEKLY = re.compile(rf"({'|'.join(_DAYS)}) +([01]?\d|2[0-3]):([0-5]\d)")
_WEEK = timedelta(days=7)
_LINKED = 100  # after so many windows without a gap between them, there is no end


@dataclass(frozen=True)
class Window:
    """One freeze: from `start` to `end` in `zone`, once (moments without offset) or weekly (since Monday 0:00)."""

    start: datetime | timedelta
    end: datetime | timedelta
    zone: str
    reason: str

    def end_of_freeze(self, now: datetime) -> datetime | None:
        """Return the end, in UTC, of the freeze that `now` is in; None outside the window."""
        zone = zone_of(self.zone)
        for start, end in self._spans(now.astimezone(zone).replace(tzinfo=None)):
            if min(_moments(start, zone)) <= now < max(_moments(end, zone)):
                return max(_moments(end, zone))
        return None

    def _spans(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the spans that `now` can be in; all of them in local time."""
        if isinstance(self.start, datetime) and isinstance(self.end, datetime):
            yield self.start, self.end
        elif isinstance(self.start, timedelta) and isinstance(self.end, timedelta):
            monday = datetime.combine(now.date() - timedelta(days=now.weekday()), time())
            for week in (monday - _WEEK, monday):
                yield week + self.start, week + self.start + (self.end - self.start) % _WEEK


def _moments(wall: datetime, zone: tzinfo) -> list[datetime]:
    """Return the moments in UTC that a local time may mean: each year one hour comes twice, and one never."""
    return [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]


@dataclass(frozen=True)
class Freeze:
    """The current freeze: the window that ends last, and when releases are allowed again (None: no end found)."""

    window: Window
    opening: datetime | None

    def __str__(self) -> str:
        if self.opening is None:
            return f"with no known end: {self.window.reason}"
        wall = self.opening.astimezone(zone_of(self.window.zone))
        return f"until {wall:%a %Y-%m-%d %H:%M} {self.window.zone}: {self.window.reason}"


def freeze_at(windows: Sequence[Window], now: datetime) -> Freeze | None:
    """Return the freeze that `now` is in, None outside of every window."""
    first = _last_to_end(windows, now)
    if first is None:
        return None
    moment, window = first
    for _ in range(_LINKED):
        following = _last_to_end(windows, moment)
        if following is None:
            return Freeze(window, moment)
        moment = following[0]
    return Freeze(window, None)


def _last_to_end(windows: Sequence[Window], now: datetime) -> tuple[datetime, Window] | None:
    ends = [(window.end_of_freeze(now), window) for window in windows]
    return max(((end, window) for end, window in ends if end), key=lambda pair: pair[0], default=None)


def read_window(path: str, key: str, entry: dict[str, Any]) -> Window:
    """Read one entry of `freezes`, which has a reason."""
    start, end = _time(path, f"{key}.start", entry.get("start")), _time(path, f"{key}.end", entry.get("end"))
    zone = read_zone(path, f"{key}.zone", entry.get("zone"))
    if type(start) is not type(end):
        raise malformed(path, f"{key}.end", "is not of the kind of start", "write two moments or two weekdays")
    if start == end or (isinstance(start, datetime) and isinstance(end, datetime) and end < start):
        raise malformed(path, f"{key}.end", "is not after start", "write a later time")
    return Window(start, end, zone, entry["reason"])


def _time(path: str, key: str, value: Any) -> datetime | timedelta:
    """Read a moment (YAML reads some as dates) or a time of the week."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, str):
        if weekly := _WEEKLY.fullmatch(value.strip()):
            day, hour, minute = weekly.groups()
            return timedelta(days=_DAYS.index(day), hours=int(hour), minutes=int(minute))
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            value = None
    if not isinstance(value, datetime):
        raise malformed(path, key, "is not a time", "write 2026-12-23 18:00, or Fri 16:00 for every week")
    if value.tzinfo:
        raise malformed(path, key, "has an offset", "leave it out: `zone` sets it")
    return value
