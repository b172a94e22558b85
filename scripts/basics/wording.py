"""Digests, times and many names as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

_FEW = 4


def short(digest: str | None) -> str:
    """Return the first eight characters of a digest, as tables show it."""
    return digest.removeprefix("sha256:")[:8] if digest else "—"


def age(then: datetime | None, now: datetime) -> str:
    """Return how long ago `then` was, in its largest unit."""
    if then is None:
        return ""
    seconds = int((now - then).total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{max(seconds, 0)}s"


def counted(number: int, noun: str) -> str:
    """Return `number` of what `noun` calls one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def few(names: Sequence[str]) -> str:
    """Return `names` for one line, however many there are: the first of them, and the number of the others."""
    more = len(names) - _FEW
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_FEW])} and {more} more"
