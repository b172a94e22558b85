"""`status.py`: the matrix pipelines × environments, the holds and the releases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from basics.errors import UsageError
from basics.output_file import write_file
from basics.wording import near
from promotion.repository.git import MAIN, Repository
from promotion.showing.result import Result, Shown
from promotion.status.document import matrix_document
from promotion.status.matrix import read_matrix
from promotion.status.page import page
from promotion.status.text import matrix_lines


def status(repository: Repository, only: str | None, html: Path | None) -> Iterator[Result]:
    """Show every environment, or `only` one with its releases; `html` is a file to write the page to."""
    matrix = read_matrix(repository)
    if only is not None:
        known = [column.name for column in matrix.columns if column.name != MAIN]
        if only not in known:
            raise UsageError("unknown-environment", f"there is no environment {only!r}", fix=near(only, known))
    now = datetime.now(UTC)
    shown = [column for column in matrix.columns if only in (None, column.name)]
    yield Shown("status", matrix_document(matrix, shown, now), matrix_lines(matrix, shown, now))
    if html is not None:
        write_file(html, page(matrix, now))
