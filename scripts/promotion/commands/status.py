"""`status.py`: the matrix pipelines × environments, the holds and the releases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from basics import terminal
from basics.errors import UsageError
from basics.output_file import write_file
from basics.wording import age, few, near, short
from basics.wrapping import table
from promotion.configuration.freeze import Freeze
from promotion.gates.emergency import told
from promotion.record.release import Entry
from promotion.repository.git import MAIN, Repository
from promotion.showing.result import Result, Shown
from promotion.status.matrix import Cell, Column, Matrix, read_matrix
from promotion.status.page import page

_RELEASES_SHOWN = 5
_BACKFILLS_SHOWN = 5
_ROWS_SHOWN = 40  # of more pipelines than these, only those that differ


def status(repository: Repository, only: str | None, html: Path | None) -> Iterator[Result]:
    """Show every environment, or `only` one with its releases; `html` is a file to write the page to."""
    matrix = read_matrix(repository)
    if only is not None:
        known = [column.name for column in matrix.columns if column.name != MAIN]
        if only not in known:
            raise UsageError("unknown-environment", f"there is no environment {only!r}", fix=near(only, known))
    now = datetime.now(UTC)
    shown = [column for column in matrix.columns if only in (None, column.name)]
    yield Shown("status", _document(matrix, shown, now), _lines(matrix, shown, now))
    if html is not None:
        write_file(html, page(matrix, now))


def _lines(matrix: Matrix, columns: Sequence[Column], now: datetime) -> list[tuple[str, str]]:
    pipelines = Matrix(columns).pipelines
    names = [name for name in pipelines if len(pipelines) <= _ROWS_SHOWN or matrix.is_behind_anywhere(name)]
    cells = [[column.name, *(_cell(matrix, column, name, now) for name in names)] for column in columns]
    lines = []
    for heading, *rows in table(["pipeline", *names], cells, terminal.columns()):
        lines += [(heading, "bold"), *((row, "") for row in rows)]
    if more := len(pipelines) - len(names):
        lines.append((f"= {more} more are the same wherever they were promoted: see --json or --html", "dim"))
    lines.append(("✓ proven by a smoke test   ≠ differs from where it is promoted from", "dim"))
    for column in columns:
        lines += _column_lines(matrix, column, now)
    return lines


def _cell(matrix: Matrix, column: Column, pipeline: str, now: datetime) -> str:
    cell = column.cells.get(pipeline)
    behind = " ≠" if matrix.is_behind(column, pipeline) else ""
    if cell is None:
        return f"—{behind}"
    release = f" r{cell.release} {age(cell.since, now)}" if cell.release else ""
    return f"{short(cell.digest)}{release}{' ✓' if cell.verified else ''}{behind}"


def _column_lines(matrix: Matrix, column: Column, now: datetime) -> list[tuple[str, str]]:
    lines = [
        (
            f"HOLD {column.name}: {hold.pipeline} {short(hold.digest)} (release {hold.release}): {hold.reason}",
            "bold red",
        )
        for hold in column.holds
    ]
    lines += [(f"EMERGENCY {column.name} {line}", "bold red") for line in map(told, column.emergencies)]
    lines += [(f"BACKFILL {column.name} {line}", "bold yellow") for line in _backfills(column)]
    if freeze := column.freeze(now):
        lines.append((f"FROZEN {column.name} {freeze}", "bold yellow"))
    lines += [
        (f"HOLD {column.name}: {hold.pipeline or 'all of it'}, by its policy: {hold.reason}", "bold red")
        for hold in column.standing_holds
    ]
    if column.source is None and column.name != MAIN:
        lines.append((f"{column.name}: its configuration on main is not usable: scripts/verify.py", "bold red"))
    elif column.configuration_ahead:
        lines.append((f"{column.name}: main has another configuration than the release", "yellow"))
    if matrix.platform_is_behind(column):
        lines.append((f"{column.name}: the platform differs from {column.source}'s", "yellow"))
    for entry in column.history[:_RELEASES_SHOWN]:
        lines.append((f"{column.name} {entry.number}  {age(entry.at, now)} ago  {_summary(entry)}", ""))
    return lines


def _backfills(column: Column) -> list[str]:
    told = [str(backfill) for backfill in column.backfills[:_BACKFILLS_SHOWN]]
    if more := len(column.backfills) - len(told):
        told.append(f"and {more} more: scripts/promote.py backfill {column.name}")
    return told


def _summary(entry: Entry) -> str:
    reason = f": {entry.reason}" if entry.reason else ""
    return (
        f"{entry.action} from {entry.source}  {few(list(entry.arrived)) or 'nothing new'}  by {entry.by}{reason}"
    )


def _document(matrix: Matrix, columns: Sequence[Column], now: datetime) -> dict[str, Any]:
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
                "backfills": [backfill.to_document() for backfill in column.backfills],
                "releases": [_entry_document(entry) for entry in column.history],
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
