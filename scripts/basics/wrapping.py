"""Lines and tables that are wider than the terminal that shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")  # between columns
_COMMAND = "scripts/"  # a command to type stays on one line, however wide the terminal is


def wrapped(line: str, width: int) -> list[str]:
    """Return `line` in lines of at most `width`, broken at words; the later ones stand below its last column.

    A column that begins in the right half would leave them no room: then they stand below the one before it. Text
    that has several lines already, like Markdown, is not changed.
    """
    if len(line) <= width or "\n" in line or _COMMAND in line:
        return [line]
    from textwrap import wrap  # rarely needed: nearly every line is short enough

    columns = [gap.end() for gap in _GAP.finditer(line) if gap.end() <= width // 2]
    below = columns[-1] if columns else len(line) - len(line.lstrip()) + 2
    return wrap(line, width, subsequent_indent=" " * below, break_long_words=False, break_on_hyphens=False)


def table(names: Sequence[str], columns: Sequence[Sequence[str]], width: int | None) -> Iterator[list[str]]:
    """Yield the lines of a table with `names` on its left; a table wider than `width` becomes several tables.

    Each column begins with its heading; a `width` of None has room for all columns.
    """
    left = _even(names)
    shown = [left]
    for column in map(_even, columns):
        if width and len(shown) > 1 and len("  ".join(each[0] for each in [*shown, column])) > width:
            yield [*_rows(shown), ""]
            shown = [left]
        shown.append(column)
    yield _rows(shown)


def _even(column: Sequence[str]) -> list[str]:
    width = max(map(len, column))
    return [text.ljust(width) for text in column]


def _rows(columns: Sequence[Sequence[str]]) -> list[str]:
    return ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]
