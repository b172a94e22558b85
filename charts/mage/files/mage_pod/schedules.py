"""Bring Mage's triggers in line with an environment's `schedules`, with Mage's own code, in one transaction.

    python3 -m mage_pod.schedules SCHEDULES.json [TOKENS]

The file is the `schedules` of values. TOKENS is a folder with the token of each API trigger, in a file by its key;
without it, Mage makes a token for a new trigger.

A trigger that people made in the UI is left alone; each field that they changed on a trigger of ours is reported
and set back. A table of our own beside Mage's keeps what was applied last, to tell such a change from a change in
values. The trigger itself has no place for it: all its fields can be edited in the UI, and its settings refuse
keys that Mage does not know.

A trigger that is gone from values is deleted if it never ran. If it ran, it is paused and kept: Mage would detach
its runs; the UI would hide them, and those in progress would never end.

`last_enabled_at` prevents a run for the interval that has already begun. It is set when a trigger is made or
resumed, or when its interval or pipeline changes; otherwise it stays, so that no due run is lost.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from mage_pod import database, deferred

T = TypeVar("T")

# If one of these changes, the trigger's times begin anew.
_TIMING = (
    "status",
    "schedule_interval",
    "pipeline_uuid",
    "schedule_type",
    "start_time",
    "repo_path",
    "settings.landing_time_enabled",
)
_SETTINGS = {
    "timeout": "timeout",
    "timeoutStatus": "timeout_status",
    "skipIfPreviousRunning": "skip_if_previous_running",
    "allowBlocksToFail": "allow_blocks_to_fail",
    "createInitialPipelineRun": "create_initial_pipeline_run",
    "landingTimeEnabled": "landing_time_enabled",
    "pipelineRunLimit": "pipeline_run_limit",
}
_COLUMNS = (
    "name",
    "description",
    "pipeline_uuid",
    "schedule_type",
    "schedule_interval",
    "start_time",
    "status",
    "sla",
    "variables",
    "settings",
    "repo_path",
)
_TOKEN = re.compile(r"\S{1,255}")  # Mage's column holds no more


class ScheduleError(ValueError):
    """The schedules cannot be applied and nothing was changed; the message names each wrong one and the fix."""


def main(file: str, tokens: str | None = None) -> int:
    """Apply the schedules in `file`, print a line for each that differed; return the exit code."""
    wanted: dict[str, Mapping[str, Any]] = json.loads(Path(file).read_text())
    try:
        _check_pipelines(wanted, Path(os.environ["MAGE_REPO_PATH"]))
        known_tokens = _read_tokens(wanted, Path(tokens)) if tokens else {}
        database.configure()
        print(*Triggers(known_tokens).apply(wanted), sep="\n", flush=True)
    except (ScheduleError, database.DatabaseSettingsError) as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return 0


def _read_tokens(wanted: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, str]:
    """Return the token of each API trigger, by the schedule's key."""
    tokens = {key: (folder / key).read_text() for key, schedule in wanted.items() if schedule.get("type") == "api"}
    findings = [
        f"schedules.{key}.token: the text in its Secret is empty, has white space, or more than 255 characters. "
        "Write it without a line break, as `printf` does."
        for key, token in sorted(tokens.items())
        if not _TOKEN.fullmatch(token)
    ]
    if findings:
        raise ScheduleError("\n".join([*findings, "No trigger was changed."]))
    return tokens


def _check_pipelines(wanted: Mapping[str, Mapping[str, Any]], project: Path) -> None:
    known = sorted(file.parent.name for file in project.glob("pipelines/*/metadata.yaml"))
    findings = [
        f"schedules.{name}.pipeline: {project} has no pipeline {schedule['pipeline']}; it has "
        f"{', '.join(known) or 'none'}. Correct the name, or release the pipeline first."
        for name, schedule in sorted(wanted.items())
        if schedule["pipeline"] not in known
    ]
    if findings:
        raise ScheduleError("\n".join([*findings, "No trigger was changed."]))


def fields(key: str, schedule: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what Mage has to say of the trigger: the columns of its row, its tags and its event matchers."""
    start = schedule.get("startTime")
    return {
        "name": schedule.get("name", key),
        "description": schedule.get("description")
        or f"schedules.{key} in the values of {environ.get('ENV', 'this environment')}: "
        "change it there, what is changed here is set back.",
        "pipeline_uuid": schedule["pipeline"],
        "schedule_type": schedule.get("type", "time"),
        "schedule_interval": schedule.get("interval"),
        "start_time": _utc(datetime.fromisoformat(start)) if start else None,
        "status": "active" if schedule["enabled"] else "inactive",
        "sla": schedule.get("sla"),
        "variables": schedule.get("variables") or {},
        "settings": {name: schedule[ours] for ours, name in _SETTINGS.items() if schedule.get(ours)},
        "repo_path": environ["MAGE_REPO_PATH"],
        "tags": sorted(schedule.get("tags", [])),
        "event_matchers": _matchers((each["name"], each["pattern"]) for each in schedule.get("eventMatchers", [])),
    }


def told(trigger: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same fields of a trigger as Mage's API tells them."""
    start = trigger["start_time"]
    return {
        **{key: trigger[key] for key in _COLUMNS if key != "start_time"},
        "start_time": _utc(datetime.fromisoformat(start)) if start else None,
        "tags": sorted(trigger["tags"]),
        "event_matchers": _matchers((each["name"], each["pattern"]) for each in trigger["event_matchers"]),
    }


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a row as they are compared: each variable and each setting is one field."""
    told = {key: value or None for key, value in row.items() if key not in ("variables", "settings")}
    variables = {f"variables.{key}": value for key, value in (row["variables"] or {}).items()}
    # The UI writes a setting that is off; we leave it out.
    settings = {f"settings.{key}": value for key, value in (row["settings"] or {}).items() if value}
    return told | variables | settings


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _matchers(matchers: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
    """Return the names and patterns in an order that does not depend on who made them when."""
    plain = [{"name": name, "pattern": pattern} for name, pattern in matchers]
    return sorted(plain, key=lambda matcher: json.dumps(matcher, sort_keys=True))


@dataclass(frozen=True)
class Known:
    """A trigger that was applied before: its number, its row (None if deleted in the UI) and what was applied.

    `applied` is None for a trigger that is gone from values but kept for its runs.
    """

    number: int | None = None
    row: Any = None
    applied: Mapping[str, Any] | None = None


class Triggers:
    """The triggers in Mage's database."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = tokens
        # Imported only here: Mage reads the database's address while it is imported.
        deferred.import_mage()
        # MAGE.md: trigger-rows
        from mage_ai.orchestration.db import db_connection
        from mage_ai.orchestration.db.models.schedules import (
            BlockRun,
            EventMatcher,
            PipelineRun,
            PipelineSchedule,
        )
        from mage_ai.orchestration.db.models.tags import Tag, TagAssociation
        from sqlalchemy import JSON, Column, Integer, MetaData, String, Table

        self._row, self._matcher, self._tag, self._tagging = PipelineSchedule, EventMatcher, Tag, TagAssociation
        self._run, self._block_run = PipelineRun, BlockRun
        db_connection.start_session()
        self._session = db_connection.session
        self._applied = Table(
            "schedules_from_values",
            MetaData(),
            Column("name", String(255), primary_key=True),
            Column("trigger_id", Integer, nullable=False),
            Column("applied", JSON(none_as_null=True)),
        )

    def apply(self, wanted: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Make all triggers as wanted, or change none; return what was done. Raises `ScheduleError`."""
        try:
            lines = list(self._apply(wanted))
            self._session.commit()
        finally:
            self._session.rollback()  # after a commit this does nothing
        return lines

    def _apply(self, wanted: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
        ours, others = self._look()
        unchanged = 0
        for name in sorted({*wanted, *ours}):
            known = ours.get(name, Known())
            if name in wanted:
                lines = list(self._set(name, known, fields(name, wanted[name], os.environ), others))
                unchanged += not lines
                yield from lines
            else:
                yield from self._remove(name, known)
        yield from (f"not in values: {row.name} (made in the UI)" for row in others)
        yield f"unchanged {unchanged}"
        yield from self._addresses(key for key, schedule in wanted.items() if schedule.get("type") == "api")

    def _addresses(self, keys: Iterable[str]) -> Iterator[str]:
        """Yield where each API trigger is called."""
        from sqlalchemy import select

        numbers = dict(self._session.execute(select(self._applied.c.name, self._applied.c.trigger_id)).all())
        for key in sorted(keys):
            yield f"{key} is started by POST /api/pipeline_schedules/{numbers[key]}/api_trigger with its token"

    def _look(self) -> tuple[dict[str, Known], list[Any]]:
        """Return the triggers that were applied before, by name, and those that others made, the oldest first."""
        from sqlalchemy import select, text

        self._session.execute(text("SELECT pg_advisory_xact_lock(hashtext('mage_pod.schedules'))"))
        self._applied.create(self._session.connection(), checkfirst=True)
        # Locked: the scheduler cannot start a run of a trigger between our look at it and the commit.
        rows = {row.id: row for row in self._row.query.order_by(self._row.id).with_for_update().all()}
        before = self._session.execute(select(self._applied)).all()
        ours = {name: Known(number, rows.pop(number, None), applied) for name, number, applied in before}
        return ours, [row for row in rows.values() if row.repo_path in (None, os.environ["MAGE_REPO_PATH"])]

    def _set(self, key: str, known: Known, target: dict[str, Any], others: list[Any]) -> Iterator[str]:
        """Make one trigger as wanted."""
        row = known.row
        if row is None and (row := _same(others, target)):
            others.remove(row)
            yield f"{key}: was made in the UI, now follows values"
        if row is None:
            row = self._create(key, target)
            yield f"created {key} ({_summary(target)})" + (", which was deleted in the UI" if known.number else "")
        else:
            yield from (f"{key}: {line}" for line in self._update(key, row, known.applied, target))
        if (row.id, target) != (known.number, known.applied):
            # Mage accepts a day that never comes; then each turn of its scheduler stops here, for all triggers.
            # MAGE.md: day-that-never-comes
            _checked(key, target, row.current_execution_date)
            self._remember(key, row.id, target)

    def _create(self, key: str, target: dict[str, Any]) -> Any:
        token = {"token": self._tokens[key]} if key in self._tokens else {}
        content = _columns(target) | _enabled_now(target) | token
        row = _checked(key, target, lambda: self._row.create(commit=False, **content))
        self._session.flush()  # the row gets its number
        self._give(row, target)
        return row

    def _update(
        self, key: str, row: Any, applied: Mapping[str, Any] | None, target: dict[str, Any]
    ) -> Iterator[str]:
        now, wanted = flat(_now(row)), flat(target)
        changes = list(_changes(now, flat(applied) if applied else None, wanted))
        if self._tokens.get(key, row.token) != row.token:
            row.update(commit=False, token=self._tokens[key])
            changes.append("token was another, now that of its Secret")
        if not changes:
            return
        again = _enabled_now(target) if any(now.get(field) != wanted.get(field) for field in _TIMING) else {}
        _checked(key, target, lambda: row.update(commit=False, **_columns(target), **again))
        self._give(row, target)
        yield from changes
        if again and now["status"] != "active" and (waiting := self._cancel_waiting(row)):
            yield f"cancelled {waiting} run(s) that waited while it was paused"

    def _give(self, row: Any, target: Mapping[str, Any]) -> None:
        """Give the trigger its tags and its event matchers, which have tables of their own."""
        ours = self._tagging.query.filter_by(taggable_id=row.id, taggable_type=self._row.__name__)
        ours.delete(synchronize_session=False)
        for name in target["tags"]:
            tag = self._tag.query.filter_by(name=name).one_or_none() or self._tag.create(commit=False, name=name)
            self._tagging.create(commit=False, tag=tag, taggable_id=row.id, taggable_type=self._row.__name__)
        if _matchers((each.name, each.pattern) for each in row.event_matchers) != target["event_matchers"]:
            before = list(row.event_matchers)
            row.event_matchers = [self._matcher.create(commit=False, **each) for each in target["event_matchers"]]
            self._session.flush()
            for matcher in before:
                if not matcher.pipeline_schedules:  # the UI can give one to several triggers
                    matcher.delete(commit=False)

    # MAGE.md: waiting-runs-all-start
    def _cancel_waiting(self, row: Any) -> int:
        """Cancel the runs that were asked for while the trigger was paused: they would all start now."""
        runs = self._run.query.filter_by(pipeline_schedule_id=row.id, status="initial")
        waiting = [run.id for run in runs]
        for model, key in ((self._run, self._run.id), (self._block_run, self._block_run.pipeline_run_id)):
            model.query.filter(key.in_(waiting)).update({"status": "cancelled"}, synchronize_session=False)
        return len(waiting)

    def _remove(self, name: str, known: Known) -> Iterator[str]:
        """Delete a trigger that is gone from values, or pause it for good if it has runs."""
        row = known.row
        # MAGE.md: runs-lose-their-trigger
        if row is not None and (runs := row.pipeline_runs_count):
            if known.applied is None and _plain(row.status) == "inactive":
                return  # an earlier call has paused it
            description = f"schedules.{name} is gone from values; it is paused and kept because it has runs."
            row.update(commit=False, status="inactive", description=description)
            self._remember(name, row.id, None)
            yield f"paused {name}, gone from values: it has {runs} run(s), which the UI would hide without it"
            return
        if row is not None:
            self._give(row, {"tags": [], "event_matchers": []})
            row.delete(commit=False)
        self._session.execute(self._applied.delete().where(self._applied.c.name == name))
        yield f"deleted {name}"

    def _remember(self, name: str, number: int, applied: Mapping[str, Any] | None) -> None:
        from sqlalchemy.dialects.postgresql import insert

        content = {"trigger_id": number, "applied": applied}
        statement = insert(self._applied).values(name=name, **content)
        self._session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=content))


def _same(rows: Iterable[Any], target: Mapping[str, Any]) -> Any:
    """Return the trigger that somebody made with the same name and pipeline: Mage finds triggers by these."""
    key = ("name", "pipeline_uuid", "repo_path")
    return next((row for row in rows if all(getattr(row, part) == target[part] for part in key)), None)


def _checked(key: str, target: Mapping[str, Any], change: Callable[[], T]) -> T:
    try:
        return change()
    except ValueError:  # Mage's own words do not say which trigger
        raise ScheduleError(
            f"schedules.{key}.interval: Mage does not know {target['schedule_interval']!r}. Write five "
            "cron fields of days that come, or one of @once, @hourly, @daily, @weekly, @monthly, @always_on. No "
            "trigger was changed."
        ) from None


def _columns(target: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is in the trigger's row itself."""
    start = target["start_time"]
    return {key: target[key] for key in _COLUMNS} | {"start_time": start and datetime.fromisoformat(start)}


def _now(row: Any) -> dict[str, Any]:
    """Return the same fields of a trigger's row."""
    return {
        **{key: _plain(getattr(row, key)) for key in _COLUMNS},
        "tags": sorted(tag.name for tag in row.tag_associations),
        "event_matchers": _matchers((each.name, each.pattern) for each in row.event_matchers),
    }


def _changes(
    now: Mapping[str, Any], applied: Mapping[str, Any] | None, target: Mapping[str, Any]
) -> Iterator[str]:
    """Yield each field that differs from the wanted one, and whether somebody else changed it."""
    for key in sorted({*now, *target}):
        if now.get(key) == target.get(key):
            continue
        back = applied is not None and now.get(key) != applied.get(key) == target.get(key)
        known = key in target or key in (applied or {})
        # A variable that is not from values may hold anything, even a password.
        was = _shown(now.get(key)) if known else "set"
        yield f"{key} was {was}, {'set back to' if back else 'now'} {_shown(target.get(key))}"


def _shown(value: Any) -> str:
    if value is None:
        return "unset"
    return value if isinstance(value, str) else json.dumps(value)


def _plain(value: Any) -> Any:
    """Return Mage's enumerations and dates as text, and anything else unchanged."""
    return _utc(value) if isinstance(value, datetime) else getattr(value, "value", value)


def _summary(target: Mapping[str, Any]) -> str:
    return (
        f"{target['pipeline_uuid']} {target['schedule_interval'] or target['schedule_type']}, {target['status']}"
    )


def _enabled_now(target: Mapping[str, Any]) -> dict[str, Any]:
    return {"last_enabled_at": datetime.now(UTC)} if target["status"] == "active" else {}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
