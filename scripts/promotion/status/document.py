"""The matrix as one JSON document for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from promotion.cluster.details import Details
from promotion.configuration.freeze import Freeze
from promotion.record.release import Entry
from promotion.status.matrix import Cell, Column, Matrix


def matrix_document(
    matrix: Matrix, columns: Sequence[Column], now: datetime, live: Mapping[str, Details]
) -> dict[str, Any]:
    """Return `columns` of `matrix` as JSON, and what runs `live` of those environments that were asked."""
    return {
        "environments": [
            {
                "name": column.name,
                "source": column.source,
                "release": column.current.number if column.current else None,
                "configuration_ahead": column.configuration_ahead,
                "platform": column.platform,
                "platform_behind": matrix.platform_is_behind(column),
                "pipelines": {
                    name: _cell_document(cell) | {"behind": matrix.is_behind(column, name)}
                    for name, cell in column.cells.items()
                },
                "holds": [vars(hold) for hold in column.holds],
                "freeze": _freeze_document(column.freeze(now)),
                "emergencies": [_emergency_document(entry) for entry in column.emergencies],
                "standing_holds": [vars(hold) for hold in column.standing_holds],
                "failed": [vars(entry) for entry in column.failed],
                "backfills": [backfill.to_document() for backfill in column.backfills],
                "releases": [_entry_document(entry) for entry in column.history],
                **({"live": live[column.name].to_document()} if column.name in live else {}),
            }
            for column in columns
        ]
    }


def _emergency_document(entry: Entry) -> dict[str, Any]:
    skipped = list(entry.emergency.skipped) if entry.emergency else []
    return {"release": entry.number, "skipped": skipped, "by": entry.by, "reason": entry.reason}


def _freeze_document(freeze: Freeze | None) -> dict[str, Any] | None:
    if freeze is None:
        return None
    opening = freeze.opening.isoformat() if freeze.opening else None
    return {"until": opening, "zone": freeze.window.zone, "reason": freeze.window.reason}


def _cell_document(cell: Cell) -> dict[str, Any]:
    since = cell.since.isoformat() if cell.since else None
    return {"digest": cell.digest, "release": cell.release, "since": since, "verified": cell.verified}


def _entry_document(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "commit": entry.commit,
        "action": entry.action,
        "source": vars(entry.source),
        "by": entry.by,
        "at": entry.at.isoformat(),
        "reason": entry.reason,
    }
