"""The references of one file: small values that know nothing of the tree in which they are resolved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Import:
    """One imported module name; `names` are what `from module import …` asks of it."""

    module: str
    names: tuple[str, ...]
    level: int  # leading dots of a relative import
    line: int


@dataclass(frozen=True)
class References:
    """All that a file refers to."""

    imports: tuple[Import, ...] = ()
    error: tuple[str, int] | None = None  # why and where the file could not be read
