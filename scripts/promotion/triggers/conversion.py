"""Mage's triggers as `schedules` of an environment, and by name what of them cannot be kept.

A trigger is an entry of a pipeline's `triggers.yaml`, or what `GET /api/pipeline_schedules` says of one: both have
the columns of Mage's table, the file also `envs`, the API also tags and event matchers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from basics.errors import Malformed
from basics.yaml_file import load_mapping, malformed, mapping
from promotion.configuration.interval import TIMED_WORDS, as_five_fields, is_interval
from promotion.configuration.schedule import API, EVENT, ONLY_FOR, TIME, read_schedule

# The Secret that has the tokens of API triggers that callers know already.
TOKENS = "mage-triggers"

# MAGE.md: trigger-rows
_SETTINGS = {
    "timeout_status": "timeoutStatus",
    "landing_time_enabled": "landingTimeEnabled",
    "create_initial_pipeline_run": "createInitialPipelineRun",
    "skip_if_previous_running": "skipIfPreviousRunning",
    "allow_blocks_to_fail": "allowBlocksToFail",
    "pipeline_run_limit": "pipelineRunLimit",
}
# Mage makes such triggers itself, whenever it needs one.
_MAGES_OWN = ("GLOBAL_DATA_PRODUCT_TRIGGER", "GLOBAL_HOOK_TRIGGER", "API_TRIGGER_CREATED_FROM_CODE")
_HIDDEN_TOKEN = "[API_TOKEN_PLACEHOLDER]"  # noqa: S105 Mage's word for one that it does not tell
_READ = {
    "name",
    "pipeline_uuid",
    "schedule_type",
    "schedule_interval",
    "start_time",
    "status",
    "variables",
    "sla",
    "settings",
    "envs",
    "description",
    "token",
    "tags",
    "event_matchers",
    "global_data_product_uuid",
}
# These say what happened so far, or where Mage is: the chart sets them anew.
_OF_THE_PLACE = {
    "id",
    "created_at",
    "updated_at",
    "last_enabled_at",
    "repo_path",
    "next_pipeline_run_date",
    "last_pipeline_run_status",
    "pipeline_in_progress_runs_count",
    "pipeline_runs_count",
    "runtime_average",
}


@dataclass(frozen=True)
class Converted:
    """A trigger as the entry `key` of `schedules`; `environments` are those that it is for: none named means all.

    `token` is what callers of an API trigger know: the entry names the Secret and key that have to hold it.
    """

    key: str
    entry: Mapping[str, Any]
    environments: tuple[str, ...]
    left: tuple[str, ...]  # `field: why it cannot be kept`
    token: str | None = field(repr=False)


@dataclass(frozen=True)
class Dropped:
    """A trigger that cannot be kept as a whole."""

    name: str
    pipeline: str
    why: str


def read_triggers_file(path: str, text: str, pipeline: str) -> list[dict[str, Any]]:
    """Return the triggers in the `triggers.yaml` of a pipeline; raises `Malformed`."""
    entries = load_mapping(path, text).get("triggers") or []
    if not isinstance(entries, list):
        raise malformed(path, "triggers", "is not a list", "write each trigger as an item: `- name: …`")
    return [
        mapping(path, f"triggers[{number}]", entry) | {"pipeline_uuid": pipeline}
        for number, entry in enumerate(entries)
    ]


def convert(triggers: Iterable[Mapping[str, Any]]) -> tuple[list[Converted], list[Dropped]]:
    """Return the schedules that `triggers` become, each with a key of its own, and what none can become."""
    converted, dropped = [], []
    kept: list[tuple[Mapping[str, Any], str]] = []
    for trigger in triggers:
        if why := _why_not(trigger):
            dropped.append(_dropped(trigger, why))
        else:
            kept.append((trigger, _slug(str(trigger["name"]))))
    count = Counter(key for _, key in kept)
    taken: set[str] = set()
    for trigger, slug in kept:
        key = _free(slug if count[slug] == 1 else f"{_slug(trigger['pipeline_uuid'])}-{slug}", taken)
        schedule = _Conversion(trigger).converted(key)
        try:
            read_schedule("", key, schedule.entry)
        except Malformed as error:
            dropped.append(_dropped(trigger, error.finding.problem))
        else:
            taken.add(key)
            converted.append(schedule)
    return converted, dropped


def _dropped(trigger: Mapping[str, Any], why: str) -> Dropped:
    return Dropped(str(trigger.get("name")), str(trigger.get("pipeline_uuid")), why)


def _why_not(trigger: Mapping[str, Any]) -> str | None:
    """Return why a trigger is none that people made and that can fire."""
    if not trigger.get("name"):
        return "it has no name"
    if trigger.get("global_data_product_uuid") or trigger["name"] in _MAGES_OWN:
        return "Mage makes this trigger itself where it is needed"
    kind, interval = trigger.get("schedule_type"), trigger.get("schedule_interval")
    if kind is None and interval == "@once" and str(trigger["name"]).startswith("Backfill "):
        return "it belongs to a backfill"
    if kind in (None, TIME):
        return _why_never(interval)
    if kind == EVENT and not trigger.get("event_matchers"):
        return "it has no event matchers: they are in Mage's database, not in triggers.yaml"
    return None


def _why_never(interval: Any) -> str | None:
    """Return why a trigger cannot fire at `interval`."""
    if not interval:
        return "it has no interval: it never fires"
    if is_interval(as_five_fields(str(interval))):
        return None
    if len(str(interval).split()) == 6:
        return f"its interval {interval!r} has a field of seconds: a schedule has none"
    return f"its interval {interval!r} is none at which Mage can start a run"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "trigger"


def _free(key: str, taken: set[str]) -> str:
    number, free = 1, key
    while free in taken:
        number += 1
        free = f"{key}-{number}"
    return free


class _Conversion:
    """One trigger on its way to a schedule; collects what stays behind."""

    def __init__(self, trigger: Mapping[str, Any]) -> None:
        self._trigger = trigger
        self._type = str(trigger.get("schedule_type") or TIME)
        self._left: list[str] = []

    def converted(self, key: str) -> Converted:
        """Return the trigger as the entry `key`."""
        token = self._token()
        entry = {**self._head(key), **self._timing(), **self._limits(), **self._labels()}
        if token:
            entry["token"] = {"name": TOKENS, "key": key}
        for field_ in sorted({*self._trigger} - _READ - _OF_THE_PLACE):
            self._left.append(f"{field_}: Mage's trigger has no such field")
        environments = tuple(map(str, self._trigger.get("envs") or ()))
        return Converted(key, entry, environments, tuple(self._left), token)

    def _head(self, key: str) -> dict[str, Any]:
        name, interval = self._trigger["name"], self._trigger.get("schedule_interval")
        head: dict[str, Any] = {} if self._type == TIME else {"type": self._type}
        head |= {} if name == key else {"name": name}
        head["pipeline"] = self._trigger["pipeline_uuid"]
        if self._type == TIME:
            head["interval"] = as_five_fields(str(interval))
        elif interval:
            self._unread("schedule_interval")
        return head | {"enabled": self._trigger.get("status") == "active"}

    def _timing(self) -> dict[str, Any]:
        start = _moment(self._trigger.get("start_time"))
        if start and self._type != TIME:
            self._unread("start_time")
            start = None
        return {"startTime": start} if start else {}

    def _limits(self) -> dict[str, Any]:
        settings = dict(self._trigger.get("settings") or {})
        limits: dict[str, Any] = {"timeout": _number(settings.pop("timeout", None)) or 0}
        for name, value in settings.items():
            ours = _SETTINGS.get(name)
            if not value:
                continue
            if ours is None:
                self._left.append(f"settings.{name}: Mage does not read it")
            elif ONLY_FOR.get(ours, self._type) != self._type:
                self._unread(f"settings.{name}")
            elif ours == "landingTimeEnabled" and not self._can_land():
                words = ", ".join(TIMED_WORDS)
                self._left.append(f"settings.{name}: Mage reads it only with a start_time, and for {words}")
            else:
                limits[ours] = _number(value) if ours == "pipelineRunLimit" else value
        if sla := _number(self._trigger.get("sla")):
            limits["sla"] = sla
        return limits

    def _can_land(self) -> bool:
        return bool(self._trigger.get("start_time")) and self._trigger.get("schedule_interval") in TIMED_WORDS

    def _labels(self) -> dict[str, Any]:
        matchers = self._trigger.get("event_matchers") or []
        if matchers and self._type != EVENT:
            self._unread("event_matchers")
        labels = {
            "variables": json.loads(json.dumps(self._trigger.get("variables") or {}, default=str)),
            "description": self._trigger.get("description"),
            "tags": sorted(self._trigger.get("tags") or []),
            "eventMatchers": [{"name": each["name"], "pattern": each["pattern"]} for each in matchers]
            if self._type == EVENT
            else [],
        }
        return {name: value for name, value in labels.items() if value}

    def _token(self) -> str | None:
        """Return the token that callers know; only API triggers have one that anybody uses."""
        if self._type != API:
            return None
        self._left.append("its address: the trigger gets another number, which the chart's Job prints")
        token = self._trigger.get("token")
        if not token or token == _HIDDEN_TOKEN:
            self._left.append("token: it is not told; the chart makes another")
            return None
        return str(token)

    def _unread(self, name: str) -> None:
        self._left.append(f"{name}: Mage does not read it for a trigger of the type {self._type}")


def _moment(value: Any) -> str | None:
    """Return a moment with its zone; Mage takes one without for UTC."""
    if not value:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def _number(value: Any) -> Any:
    """Return a number that the UI wrote as text as a number, and anything else unchanged."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value
