"""The backfills that are open after a plan has become a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from promotion.changes.differences import PipelineChange
from promotion.changes.draft import Draft
from promotion.changes.impact import NO_IMPACT
from promotion.record.release import Backfill, Entry


def backfills_after(draft: Draft, released: date) -> tuple[Backfill, ...]:
    """Return the backfills that are open after `draft` is released on the day `released`."""
    left = {backfill.pipeline: backfill for backfill in draft.request.backfills}
    for change in draft.pipelines:
        known = left.pop(change.renamed_from or change.name, None)
        start = change.impact.first_day(released)
        if change.after and start:
            if known and not _came_back(change, draft.request.target.history):
                start = min(start, known.start)
            readers = change.impact.readers
            left[change.name] = Backfill(change.name, change.after, draft.number, start, released, readers)
        elif known and change.after and change.impact == NO_IMPACT:
            left[change.name] = replace(known, pipeline=change.name)
    return tuple(left[name] for name in sorted(left))


def _came_back(change: PipelineChange, history: Sequence[Entry]) -> bool:
    return any(entry.arrived.get(change.name) == change.after for entry in history)
