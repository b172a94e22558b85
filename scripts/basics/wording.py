"""Digests, times and names as people read and type them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from difflib import get_close_matches

_FEW = 4
_NAMES_TOLD = 10


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
    """Return `number` and `noun`, which names one thing, in singular or plural."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def few(names: Sequence[str]) -> str:
    """Return `names` short enough for one line: the first of them, and the number of the others."""
    more = len(names) - _FEW
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_FEW])} and {more} more"


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> list[str]:
    """Return which of `known` the misspelt `name` may mean, the likeliest first; empty where it is like none.

    `likeness` is the least ratio of `difflib` that counts: 0 is nothing alike, 1 the same.
    """
    return get_close_matches(name, sorted(known), n=3, cutoff=likeness)


def near(name: str, known: Iterable[str]) -> str:
    """Return what to write instead of the unknown `name`: names that are like it, or else all known ones."""
    names = sorted(known)
    told = nearest(name, names) or names[:_NAMES_TOLD]
    more = ", …" if len(told) == _NAMES_TOLD < len(names) else ""
    if len(told) == 1:
        return f"write {told[0]}"
    return f"one of {', '.join(told)}{more}" if told else "there is none"
