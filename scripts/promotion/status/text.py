"""The matrix as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from basics import terminal
from basics.wording import age, few, short
from basics.wrapping import table
from promotion.gates.emergency import told
from promotion.record.release import Entry
from promotion.repository.git import MAIN
from promotion.status.matrix import Column, Matrix

_RELEASES_SHOWN = 5
_BACKFILLS_SHOWN = 5
_ROWS_SHOWN = 40  # of more pipelines than these, only those that differ


def matrix_lines(matrix: Matrix, columns: Sequence[Column], now: datetime) -> list[tuple[str, str]]:
    """Return the lines of `columns` of `matrix`, each with its style."""
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
    lines += [
        (f"HOLD {column.name}: {each.pipeline} {short(each.digest)} goes no further: {each.reason}", "bold red")
        for each in column.failed
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
