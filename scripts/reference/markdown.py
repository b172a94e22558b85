"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the texts of its cells are Markdown already."""
    lines = [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]
    return "\n".join([*lines, ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def plain(text: str) -> str:
    """Return `text` so that no part of it is read as HTML or as the next cell."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")


def code(text: str) -> str:
    """Return `text` formatted as code; on some hosts a bar between backticks would end the cell."""
    return f"<code>{plain(text)}</code>" if "|" in text else f"`{text}`"
