"""The status page: one self-contained HTML file, readable on a phone."""

from __future__ import annotations

from datetime import datetime

from promotion.matrix import Matrix


def page(matrix: Matrix, now: datetime) -> str:
    """Return the page."""
    return f"<p>{len(matrix.columns)} {now}</p>"
