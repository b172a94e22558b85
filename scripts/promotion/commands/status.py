"""`status.py`: the matrix pipelines × environments, the holds and the releases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from promotion.errors import UsageError
from promotion.git import MAIN, Repository
from promotion.matrix import Cell, Column, Matrix, read_matrix
from promotion.page import page
from promotion.release import Release
from promotion.report import Report, age, short

_RELEASES_SHOWN = 5


def status(repository: Repository, only: str | None, html: Path | None, *, report: Report) -> int:
    """Show every environment, or `only` one with its releases; `html` is a file to write the page to."""
    matrix = read_matrix(repository)
    if only is not None:
        known = [column.name for column in matrix.columns if column.name != MAIN]
        if only not in known:
            fix = f"one of {', '.join(known) or 'none'}"
            raise UsageError("unknown-environment", f"there is no environment {only!r}", fix=fix)
    now = datetime.now(UTC)
    shown = [column for column in matrix.columns if only in (None, column.name)]
    report.result("status", _document(matrix, shown), _lines(matrix, shown, now))
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(page(matrix, now), encoding="utf-8")
    return 0


def _lines(matrix: Matrix, columns: Sequence[Column], now: datetime) -> list[tuple[str, str]]:
    names = Matrix(columns).pipelines
    first = max((len(name) for name in [*names, "pipeline"]), default=0)
    cells = {column.name: [_cell(matrix, column, name, now) for name in names] for column in columns}
    widths = {name: max(len(text) for text in [name, *texts]) for name, texts in cells.items()}
    header = "  ".join(["pipeline".ljust(first), *(name.ljust(width) for name, width in widths.items())])
    lines = [(header, "bold")]
    for row, name in enumerate(names):
        texts = (cells[column][row].ljust(width) for column, width in widths.items())
        lines.append(("  ".join([name.ljust(first), *texts]).rstrip(), ""))
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
    if column.source is None and column.name != MAIN:
        lines.append((f"{column.name}: its configuration on main is not usable: scripts/verify.py", "bold red"))
    elif column.configuration_ahead:
        lines.append((f"{column.name}: main has a another configuration than the release", "yellow"))
    if matrix.platform_is_behind(column):
        lines.append((f"{column.name}: the platform differs from {column.source}'s", "yellow"))
    for release in column.releases[:_RELEASES_SHOWN]:
        lines.append((f"{column.name} {release.number}  {age(release.at, now)} ago  {_summary(release)}", ""))
    return lines


def _summary(release: Release) -> str:
    new = [name for name, entry in release.pipelines.items() if entry.since == release.number]
    reason = f": {release.reason}" if release.reason else ""
    return f"{release.action} from {release.source}  {', '.join(new) or 'nothing new'}  by {release.by}{reason}"


def _document(matrix: Matrix, columns: Sequence[Column]) -> dict[str, Any]:
    return {
        "environments": [
            {
                "name": column.name,
                "source": column.source,
                "release": column.releases[0].number if column.releases else None,
                "configuration_ahead": column.configuration_ahead,
                "platform": column.platform,
                "platform_behind": matrix.platform_is_behind(column),
                "pipelines": {
                    name: _cell_document(cell) | {"behind": matrix.is_behind(column, name)}
                    for name, cell in column.cells.items()
                },
                "holds": [vars(hold) for hold in column.holds],
                "releases": [_release_document(release) for release in column.releases],
            }
            for column in columns
        ]
    }


def _cell_document(cell: Cell) -> dict[str, Any]:
    since = cell.since.isoformat() if cell.since else None
    return {"digest": cell.digest, "release": cell.release, "since": since, "verified": cell.verified}


def _release_document(release: Release) -> dict[str, Any]:
    return {
        "number": release.number,
        "commit": release.commit,
        "action": release.action,
        "source": vars(release.source),
        "by": release.by,
        "at": release.at.isoformat(),
        "reason": release.reason,
    }
