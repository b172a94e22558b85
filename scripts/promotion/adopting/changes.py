"""What a plan tells of single files: which stay behind, and which come in another form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Left:
    """A file, a folder (with `/` at its end) or a trigger that stays behind, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class Change:
    """A file or a key that comes in another form than it has there, and how it differs."""

    path: str
    what: str
