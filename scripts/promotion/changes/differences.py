"""The differences between what an environment runs and what it would run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from basics.errors import PromotionError
from basics.wording import few
from promotion.changes.forecast import Forecast, forecast
from promotion.changes.impact import NO_IMPACT, Impact
from promotion.changes.renames import renamed
from promotion.configuration.environment import Environment, load_environment
from promotion.configuration.schedule import Schedule
from promotion.pipelines.project import Project
from promotion.record.release import FILE
from promotion.repository.tree import Tree


@dataclass(frozen=True)
class PipelineChange:
    """One row of the plan.

    `action` is added, changed, renamed, removed or affected (changed, though not selected).
    """

    name: str
    action: str
    before: str | None
    after: str | None
    reason: str
    renamed_from: str | None = None
    impact: Impact = NO_IMPACT


@dataclass(frozen=True)
class FileChange:
    """One file that differs between the target's current release and the planned one."""

    path: str
    action: str  # added | changed | removed
    reason: str
    pipelines: tuple[str, ...]


@dataclass(frozen=True)
class ScheduleChange:
    """What happens to one trigger of the target."""

    name: str
    before: str | None
    after: str | None
    renamed_from: str | None  # its pipeline had this name, and it moves along
    forecast: Forecast = field(compare=False)  # left out, as it changes with time


@dataclass(frozen=True)
class DatabaseChange:
    """A database of the chart's own PostgreSQL that the target's blocks can use from now on, or no longer."""

    name: str
    action: str  # added | removed
    reason: str


class DigestChange(NamedTuple):
    """The change of the platform, or of the configuration, as a whole."""

    before: str | None
    after: str
    reason: str


def platform_digest(project: Project) -> str:
    """Return the digest of the files that are neither configuration, nor the record, nor part of a closure."""
    tree = project.tree.without(project.claimed)
    return tree.without([*tree.under("environments"), FILE]).digest()


def platform_change(
    before: Project, after: Project, selected: Mapping[str, str] | None, source_name: str
) -> DigestChange:
    """Compare the platform; None for `selected` means that all of `source_name` is taken, with its platform."""
    old, new = platform_digest(before) if before.tree else None, platform_digest(after)
    if selected is None:
        reason = f"all of {source_name}"
    elif old is None:
        reason = "a first release needs one"
    else:
        reason = "a selection leaves it" if old == new else "pipelines now claim files of it"
    return DigestChange(old, new, reason)


def pipeline_changes(
    source: Project, before: Project, after: Project, selected: Mapping[str, str] | None, source_name: str
) -> tuple[PipelineChange, ...]:
    """Compare each pipeline; `selected` has the reason for each selected one, None means all of `source`."""
    changes = []
    olds, news = before.digests(), after.digests()
    for name in sorted({*olds, *news}):
        old, new = olds.get(name), news.get(name)
        if old == new:
            continue
        chosen = selected is None or name in selected
        action = "added" if old is None else "removed" if new is None else "changed" if chosen else "affected"
        reason = selected.get(name) if selected is not None else f"all of {source_name}"
        reason = reason or f"shares {few(_shared_changes(before, after, name))}"
        changes.append(PipelineChange(name, action, old, new, reason))
    left = [name for name in before.pipelines if name not in source and name in after]
    return tuple(_with_old_names(before, left, after, _with_renames(before, after, changes)))


def _with_renames(before: Project, after: Project, changes: Sequence[PipelineChange]) -> Iterator[PipelineChange]:
    """Yield `changes`; a pipeline that only got another name has one row instead of two."""
    rows = {change.name: change for change in changes}
    gone = [change.name for change in changes if change.action == "removed"]
    come = [change.name for change in changes if change.action == "added"]
    old_names = renamed(before, gone, after, come)
    gone_names = set(old_names.values())
    for change in changes:
        if old := old_names.get(change.name):
            yield replace(change, action="renamed", before=rows[old].before, renamed_from=old)
        elif change.name not in gone_names:
            yield change


def _with_old_names(
    before: Project, left: Sequence[str], after: Project, changes: Iterable[PipelineChange]
) -> Iterator[PipelineChange]:
    """Yield `changes`; a new copy of one of `left`, which is not selected and stays, says how to rename it."""
    rows = list(changes)
    old_names = renamed(before, left, after, [row.name for row in rows if row.action == "added"])
    for row in rows:
        old = old_names.get(row.name)
        yield replace(row, reason=f"{row.reason}, a copy of {old}: add -p {old} to rename it") if old else row


def _shared_changes(before: Project, after: Project, name: str) -> list[str]:
    paths = sorted({*before.closure(name).files, *after.closure(name).files})
    return [path for path in paths if before.tree.get(path) != after.tree.get(path)]


def file_changes(
    before: Project, after: Project, platform: DigestChange, configuration: DigestChange
) -> tuple[FileChange, ...]:
    """Compare each file, except for the record itself."""
    changes = []
    paths = [path for path in before.tree.differences(after.tree) if path != FILE]
    gone = [path for path in paths if path not in after.tree]
    used = after.users(paths) | (before.users(gone) if gone else {})
    for path in paths:
        project = after if path in after.tree else before
        users = tuple(used[path])
        action = "added" if path not in before.tree else "removed" if path not in after.tree else "changed"
        if users:
            needed = project.closure(users[0]).files[path].text
            reason = f"was {needed}" if action == "removed" else needed
        elif path.startswith("environments/"):
            reason = f"configuration, {configuration.reason}"
        else:
            reason = f"platform, {platform.reason}"
        changes.append(FileChange(path, action, reason, users))
    return tuple(changes)


def released_environment(before: Tree, name: str) -> Environment | None:
    """Return the configuration of the target's current release."""
    with suppress(PromotionError):  # no release yet, or one whose configuration no longer passes today's rules
        return load_environment(before, name)
    return None


def configuration_change(before: Tree, after: Tree, name: str, origin: str) -> DigestChange:
    """Compare the configuration of the environment `name`; it comes from `origin`."""
    folder = f"environments/{name}"
    old = before.under(folder)
    return DigestChange(old.digest() if old else None, after.under(folder).digest(), f"from {origin}")


def schedule_changes(
    before: Environment | None, after: Environment, pipelines: Sequence[PipelineChange], now: datetime
) -> tuple[ScheduleChange, ...]:
    """Compare the triggers of the target's current release with those that the environment wants now."""
    old: Mapping[str, Schedule] = before.schedules if before else {}
    new = after.schedules
    renames = {change.name: change.renamed_from for change in pipelines}

    def change(name: str) -> ScheduleChange:
        was, is_now = old.get(name), new.get(name)
        renamed_from = renames.get(is_now.pipeline) if is_now else None
        moves = was is not None and was.pipeline == renamed_from
        foreseen = forecast(was, is_now, now)
        return ScheduleChange(name, *_told(was, is_now), renamed_from if moves else None, foreseen)

    return tuple(change(name) for name in sorted({*old, *new}) if old.get(name) != new.get(name))


def database_changes(
    before: Environment | None, after: Environment, configuration: DigestChange
) -> tuple[DatabaseChange, ...]:
    """Compare the databases of blocks in the chart's own PostgreSQL."""
    old, reason = before.databases if before else (), f"configuration, {configuration.reason}"
    added = (DatabaseChange(name, "added", reason) for name in after.databases if name not in old)
    removed = (DatabaseChange(name, "removed", reason) for name in old if name not in after.databases)
    return (*added, *removed)


def _told(old: Schedule | None, new: Schedule | None) -> tuple[str | None, str | None]:
    """Return both as text; with all of their settings where the short texts are equal."""
    if old and new and str(old) == str(new):
        return old.told_in_full(), new.told_in_full()
    return str(old) if old else None, str(new) if new else None
