"""Data that an older version of a pipeline wrote: since when, and what of it is still to be written anew."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from promotion.changes.differences import PipelineChange
from promotion.changes.impact import NO_IMPACT
from promotion.record.evidence_branch import Closing
from promotion.record.release import Backfill, Entry

if TYPE_CHECKING:
    from promotion.planning.plan import Plan


def still_open(backfills: Sequence[Backfill], closed: Collection[Closing]) -> tuple[Backfill, ...]:
    """Return those of `backfills` that nobody has closed."""
    settled = _settled(closed)
    return tuple(backfill for backfill in backfills if (backfill.pipeline, backfill.release) not in settled)


def _settled(closed: Collection[Closing]) -> set[tuple[str, int]]:
    return {(closing.backfill.pipeline, closing.backfill.release) for closing in closed}


def stale_since(name: str, digest: str, history: Sequence[Entry], closed: Collection[Closing]) -> date | None:
    """Return the first day of which another version than `digest` may have written data of the pipeline `name`.

    None where there is no such day. A version that comes back finds what it wrote itself, except for what it had
    not written anew yet and what a later version did write anew.
    """
    settled = _settled(closed)
    days: list[date] = []
    for entry in history:  # newest first
        known, arrived = entry.backfills.get(name), entry.arrived.get(name)
        if known and (name, known.release) not in settled:
            days.append(known.start)
        if arrived == digest:
            done = (closing.backfill for closing in closed if closing.done)
            days += [other.start for other in done if other.pipeline == name and other.release > entry.number]
            break
        if arrived:
            days = [entry.at.date()]  # all that is newer is no older
            name = entry.renamed.get(name, name)
    return min(days, default=None)


def backfills_after(plan: Plan, released: date) -> tuple[Backfill, ...]:
    """Return what is open once `plan` is a release of the day `released`."""
    left = {backfill.pipeline: backfill for backfill in plan.request.backfills}
    for change in plan.pipelines:
        known = left.pop(change.renamed_from or change.name, None)
        start = change.impact.first_day(released)
        if change.after and start:
            if known and not _came_back(change, plan.request.target.history):
                start = min(start, known.start)
            readers = change.impact.readers
            left[change.name] = Backfill(change.name, change.after, plan.number, start, released, readers)
        elif known and change.after and change.impact == NO_IMPACT:
            left[change.name] = replace(known, pipeline=change.name)
    return tuple(left[name] for name in sorted(left))


def _came_back(change: PipelineChange, history: Sequence[Entry]) -> bool:
    return any(entry.arrived.get(change.name) == change.after for entry in history)
