"""Digests and times as people read them."""

from __future__ import annotations

from datetime import datetime


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
