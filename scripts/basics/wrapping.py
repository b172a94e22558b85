"""Lines and tables that are wider than the terminal that shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")  # between columns
_COMMAND = "scripts/"  # what is to be typed stays one line, however a terminal shows it


def wrapped(line: str, width: int) -> list[str]:
    """Return `line` in lines of at most `width`, broken at words; the further ones stand below its last column.

    A column that begins far to the right would leave them no room: then it is the one before it. What has lines of
    its own, as Markdown has, keeps them.
    """
    if len(line) <= width or "\n" in line or _COMMAND in line:
        return [line]
    from textwrap import wrap  # nearly every line has room

    columns = [gap.end() for gap in _GAP.finditer(line) if gap.end() <= width // 2]
    below = columns[-1] if columns else len(line) - len(line.lstrip()) + 2
    return wrap(line, width, subsequent_indent=" " * below, break_long_words=False, break_on_hyphens=False)


def table(names: Sequence[str], columns: Sequence[Sequence[str]], width: int | None) -> Iterator[list[str]]:
    """Yield the lines of a table that has `names` on its left; where it is wider than `width`, of several of them.

    Each column begins with its heading; None is room for all of them.
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
