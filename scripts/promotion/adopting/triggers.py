"""The triggers of the project, in its files and in a Mage that runs it, as schedules of the environments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promotion.adopting.changes import Change, Left
from promotion.adopting.source import Source
from promotion.layout import ENVIRONMENTS
from promotion.triggers.conversion import Converted, convert, read_triggers_file

_FILE = re.compile(r"pipelines/([^/]+)/triggers\.yaml")
Trigger = Mapping[str, Any]


@dataclass(frozen=True)
class Schedules:
    """What becomes of the triggers: entries of `schedules` by environment, what changes, and what stays behind."""

    entries: Mapping[str, Mapping[str, Mapping[str, Any]]]
    changes: tuple[Change, ...]
    left: tuple[Left, ...]
    tokens: Mapping[str, tuple[str, ...]]  # by environment, keys of the Secret with tokens that callers know


def is_triggers_file(path: str) -> bool:
    """Tell whether `path` in a project has triggers, which become schedules and do not come along."""
    return bool(_FILE.fullmatch(path))


def schedules_of(source: Source, running: Iterable[Trigger], environments: Sequence[str]) -> Schedules:
    """Return the schedules for `environments`, in the order of promotion; `running` are triggers of a Mage.

    A trigger that names no environment fires in the last one: it ran in one place before.
    """
    known, others = _of_the_project(source, _united(list(_in_files(source)), running))
    converted, dropped = convert(known)
    entries: dict[str, dict[str, Mapping[str, Any]]] = {name: {} for name in environments}
    for schedule in converted:
        fires = set(schedule.environments) or {environments[-1]}
        for name in environments:
            enabled = bool(schedule.entry["enabled"]) and name in fires
            entries[name][schedule.key] = {**schedule.entry, "enabled": enabled}
    left = [Left(f"trigger {each.name} of {each.pipeline}", each.why) for each in dropped]
    left += [Left(f"trigger {each['name']} of {each['pipeline_uuid']}", "not this project's") for each in others]
    left += [entry for schedule in converted for entry in _left(schedule, environments)]
    tokens = tuple(schedule.key for schedule in converted if schedule.token)
    changes = [
        Change(path, f"goes: its triggers are in {ENVIRONMENTS}/")
        for path in source.files
        if is_triggers_file(path)
    ]
    changes += [_told(schedule, environments) for schedule in converted]
    return Schedules(entries, tuple(changes), tuple(left), dict.fromkeys(environments, tokens) if tokens else {})


def _in_files(source: Source) -> Iterator[Trigger]:
    for path, file in source.files.items():
        if match := _FILE.fullmatch(path):
            yield from read_triggers_file(path, file.read_text(encoding="utf-8-sig"), match[1])


def _united(in_files: list[Trigger], running: Iterable[Trigger]) -> list[Trigger]:
    """Return each trigger once: as Mage runs it, with the environments that only the file knows."""
    by_name = {(each["pipeline_uuid"], each.get("name")): each for each in in_files}
    for each in running:
        name = (each["pipeline_uuid"], each.get("name"))
        by_name[name] = {**each, "envs": by_name.get(name, {}).get("envs")}
    return list(by_name.values())


def _of_the_project(source: Source, triggers: Iterable[Trigger]) -> tuple[list[Trigger], list[Trigger]]:
    known: list[Trigger] = []
    others: list[Trigger] = []
    for each in triggers:
        is_here = f"pipelines/{each['pipeline_uuid']}/metadata.yaml" in source.files
        (known if is_here else others).append(each)
    return known, others


def _left(schedule: Converted, environments: Sequence[str]) -> Iterator[Left]:
    unknown = [name for name in schedule.environments if name not in environments]
    if unknown:
        yield Left(f"schedules.{schedule.key}", f"envs: there is no environment {', '.join(unknown)} here")
    for told in schedule.left:
        yield Left(f"schedules.{schedule.key}", told)


def _told(schedule: Converted, environments: Sequence[str]) -> Change:
    fires = [name for name in environments if name in (schedule.environments or environments[-1:])]
    state = f"fires in {', '.join(fires)}" if schedule.entry["enabled"] and fires else "paused everywhere"
    return Change(f"schedules.{schedule.key}", f"a trigger of {schedule.entry['pipeline']}; {state}")
