"""An entry of `schedules` in an environment's values: one trigger of Mage, with all of its settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from basics.wording import near
from basics.yaml_file import malformed, mapping
from promotion.configuration.interval import TIMED_WORDS, WORDS, is_interval

TIME, API, EVENT = "time", "api", "event"

_NEEDED = ("pipeline", "enabled", "timeout")
_NEEDED_FOR = {TIME: ("interval",), EVENT: ("eventMatchers",)}
# Mage reads these settings for one type of trigger only.
ONLY_FOR = {
    "interval": TIME,
    "startTime": TIME,
    "landingTimeEnabled": TIME,
    "createInitialPipelineRun": TIME,
    "skipIfPreviousRunning": TIME,
    "token": API,
    "eventMatchers": EVENT,
}
_KEY_OF_A_SECRET = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Schedule:
    """One trigger of one pipeline, as the environment wants it: `entry` is what values say, checked."""

    name: str
    entry: Mapping[str, Any]

    def __str__(self) -> str:
        state = "" if self.enabled else ", paused"
        return f"{self.pipeline} {self.interval or self.type}{state}"

    @property
    def pipeline(self) -> str:
        """The pipeline that runs."""
        return str(self.entry["pipeline"])

    @property
    def enabled(self) -> bool:
        """Whether it fires."""
        return bool(self.entry["enabled"])

    @property
    def type(self) -> str:
        """What starts a run: the time, a call of the API, or an event."""
        return str(self.entry.get("type", TIME))

    @property
    def interval(self) -> str:
        """When it fires, as `interval` reads it; empty if not at times."""
        return str(self.entry.get("interval", ""))

    @property
    def start(self) -> datetime | None:
        """The moment before which no run starts; with a landing time, a moment when a run has to have ended."""
        text = self.entry.get("startTime")
        return datetime.fromisoformat(text).astimezone(UTC) if text else None

    @property
    def lands(self) -> bool:
        """Whether Mage starts each run so early that it has ended at the time of day of `start`."""
        return bool(self.entry.get("landingTimeEnabled"))

    @property
    def runs_for_begun_interval(self) -> bool:
        """Whether a run for the interval that has already begun starts at once."""
        return bool(self.entry.get("createInitialPipelineRun"))

    @property
    def variables(self) -> Mapping[str, Any]:
        """Variables of the runs."""
        return self.entry.get("variables") or {}

    def told_in_full(self) -> str:
        """Return all that values say, for two that `str` does not tell apart."""
        rest = {key: value for key, value in self.entry.items() if key not in ("pipeline", "interval", "enabled")}
        return f"{self}, {', '.join(f'{key} {_told(key, value)}' for key, value in sorted(rest.items()))}"


def _told(key: str, value: Any) -> str:
    return f"{value} s" if key in ("timeout", "sla") else str(value)


def read_schedule(path: str, name: str, value: Any) -> Schedule:
    """Check the entry `name` of `schedules` in the file `path`; raises `Malformed` at the first mistake."""
    key = f"schedules.{name}"
    entry = mapping(path, key, value)
    schedule = Schedule(name, _with_plain_start(entry))
    for field, content in schedule.entry.items():
        if field not in _FIELDS:
            raise malformed(path, f"{key}.{field}", "is unknown", near(field, _FIELDS))
        if not _FIELDS[field].allows(content):
            raise malformed(path, f"{key}.{field}", _FIELDS[field].problem, f"write {_FIELDS[field].example}")
    _check_type(path, key, schedule)
    _check_together(path, key, schedule)
    return schedule


def _with_plain_start(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry with its start as text: YAML reads a moment that is not in quotes as a date."""
    start = entry.get("startTime")
    return dict(entry) | ({"startTime": start.isoformat()} if isinstance(start, datetime) else {})


def _check_type(path: str, key: str, schedule: Schedule) -> None:
    for field in (*_NEEDED, *_NEEDED_FOR.get(schedule.type, ())):
        if field not in schedule.entry:
            raise malformed(path, f"{key}.{field}", "is missing", f"write {_FIELDS[field].example}")
    for field in schedule.entry:
        if ONLY_FOR.get(field, schedule.type) != schedule.type:
            problem = f"is read only with `type: {ONLY_FOR[field]}`"
            raise malformed(path, f"{key}.{field}", problem, "remove it, or correct the type")


def _check_together(path: str, key: str, schedule: Schedule) -> None:
    if schedule.lands and (schedule.interval not in TIMED_WORDS or schedule.start is None):
        problem = f"Mage ignores it without startTime, and with another interval than {', '.join(TIMED_WORDS)}"
        raise malformed(path, f"{key}.landingTimeEnabled", problem, "write both, or remove it")
    if schedule.type == API and not _KEY_OF_A_SECRET.fullmatch(schedule.name):
        fix = "use letters, digits, `-`, `_` and `.`, and write the trigger's own name as `name:`"
        raise malformed(path, key, "the key of an API trigger also names its token in a Secret", fix)


# Checks of single fields


@dataclass(frozen=True)
class _Field:
    """What a field of an entry may hold, what is wrong with anything else, and an example."""

    allows: Callable[[Any], bool]
    problem: str
    example: str


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(smallest: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= smallest


def _is_map(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(isinstance(name, str) for name in value))


def _is_moment(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value)) and len(set(value)) == len(value)


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"name", "key"} and all(map(_is_text, value.values()))


def _are_matchers(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_matcher, value))


def _is_matcher(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"name", "pattern"}
        and _is_text(value["name"])
        and _is_pattern(value["pattern"])
    )


def _is_pattern(value: Any) -> bool:
    """Tell whether some event can match: Mage compares the fields of a map, and looks up values in a list."""
    return (
        isinstance(value, dict)
        and bool(value)
        and all(bool(part) if isinstance(part, list) else _is_pattern(part) for part in value.values())
    )


def _flag(example: str) -> _Field:
    return _Field(_is_flag, "is not true or false", f"`{example}: true`")


# MAGE.md: trigger-rows
_FIELDS = {
    "type": _Field(lambda value: value in (TIME, API, EVENT), "is not time, api or event", "e.g. `type: api`"),
    "name": _Field(_is_text, "is not text", "the trigger's name in Mage"),
    "pipeline": _Field(_is_text, "is not text", "`pipeline:`"),
    "interval": _Field(
        lambda value: isinstance(value, str) and is_interval(value),
        "is not an interval",
        f"five cron fields in quotes (none of seconds), of days that exist, or one of {', '.join(WORDS)}",
    ),
    "enabled": _flag("enabled"),
    "timeout": _Field(_is_number(0), "is not a number of seconds", "e.g. `timeout: 1800`, or 0 for no limit"),
    "timeoutStatus": _Field(
        lambda value: value in ("failed", "cancelled"),
        "is not failed or cancelled",
        "e.g. `timeoutStatus: cancelled`",
    ),
    "startTime": _Field(
        _is_moment, "is not a moment with its zone", 'e.g. `startTime: "2026-12-01T06:00:00+00:00"`'
    ),
    "landingTimeEnabled": _flag("landingTimeEnabled"),
    "createInitialPipelineRun": _flag("createInitialPipelineRun"),
    "skipIfPreviousRunning": _flag("skipIfPreviousRunning"),
    "allowBlocksToFail": _flag("allowBlocksToFail"),
    "pipelineRunLimit": _Field(_is_number(1), "is not a number of runs", "e.g. `pipelineRunLimit: 1`"),
    "sla": _Field(_is_number(1), "is not a number of seconds", "e.g. `sla: 3600`"),
    "variables": _Field(_is_map, "is not a map with text keys", "e.g. `variables: {days: 2}`"),
    "description": _Field(_is_text, "is not text", "what people read in the UI"),
    "tags": _Field(_is_texts, "is not a list of different texts", "e.g. `tags: [nightly]`"),
    "token": _Field(_is_secret, "is not a reference to a Secret", "`{name: SECRET, key: KEY}`"),
    "eventMatchers": _Field(
        _are_matchers,
        "is not a list of names with patterns",
        "e.g. `[{name: landed, pattern: {source: [aws.s3]}}]`: a pattern is a map of lists of values, or of maps",
    ),
}
