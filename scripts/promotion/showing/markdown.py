"""Build Markdown that shows names and texts of people as code: there, nothing becomes markup or a link."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SHOWN = 15  # rows that a reader sees without unfolding the rest
_MOST = 200  # rows of a table: hosts accept about 65,000 characters
_PIPE = re.compile(r"(\\*)\|")


def code(text: str) -> str:
    """Return `text` as code on one line."""
    line = " ".join(_visible(part) for part in text.split())
    fence = _fence(line, 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else ""


def code_block(text: str) -> str:
    """Return the lines of `text` as a block of code."""
    lines = "\n".join(_visible(line) for line in text.splitlines())
    fence = _fence(lines, 3)
    return f"{fence}text\n{lines}\n{fence}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already; cut if it is too long for hosts."""
    more = [["", f"… and {len(rows) - _MOST} more: see `--json`", *[""] * (len(header) - 2)]]
    shown = [header, ["---"] * len(header), *rows[:_MOST], *(more if len(rows) > _MOST else [])]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in shown)


def folded(summary: str, rows: Sequence[Sequence[str]], content: str) -> str:
    """Return `content`, folded under `summary` (our own text) if it has many `rows`."""
    if len(rows) <= _SHOWN:
        return content
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def document(blocks: Iterable[str]) -> str:
    """Return the `blocks` that are not empty, one below the other."""
    return "\n\n".join(block for block in blocks if block) + "\n"


def _visible(text: str) -> str:
    """Return `text` with escapes for invisible characters and those that change the direction of reading."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def _cell(text: str) -> str:
    """A pipe ends a cell, also inside code, unless an odd number of backslashes is before it."""
    return _PIPE.sub(lambda found: found[1] + "\\" * (1 + len(found[1]) % 2) + "|", text)
