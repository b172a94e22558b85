"""Data that an older version of a pipeline wrote: since which day, and which backfills are still open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from promotion.record.evidence_record import Closing
from promotion.record.release import Backfill, Entry


def still_open(backfills: Sequence[Backfill], closed: Collection[Closing]) -> tuple[Backfill, ...]:
    """Return those of `backfills` that are not closed."""
    settled = _settled(closed)
    return tuple(backfill for backfill in backfills if (backfill.pipeline, backfill.release) not in settled)


def _settled(closed: Collection[Closing]) -> set[tuple[str, int]]:
    return {(closing.backfill.pipeline, closing.backfill.release) for closing in closed}


def stale_since(name: str, digest: str, history: Sequence[Entry], closed: Collection[Closing]) -> date | None:
    """Return the first day whose data of the pipeline `name` a version other than `digest` may have written.

    None where there is no such day. A version that comes back needs no backfill of the data that it wrote itself,
    except for days that it had still to backfill, and days that a later version backfilled.
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
            days = [entry.at.date()]  # days found so far are later
            name = entry.renamed.get(name, name)
    return min(days, default=None)
