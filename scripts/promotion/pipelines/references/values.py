"""The references of one file: small values, independent of the tree in which they are resolved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Stands in a path for every part that the text of the file does not tell.
UNKNOWN = "\0"
# A literal text that may be the path of a file; whether there is such a file is looked up in the tree.
LOOKS_LIKE_PATH = re.compile(r"[\w ./@+=,()&-]*[./][\w ./@+=,()&-]*")
# In a text that is more than a path: quoted parts, and absolute paths.
_INSIDE = re.compile(r"""'([^'"\n]+)'|"([^'"\n]+)"|(?<!\S)(/\S+/\S+)""")


@dataclass(frozen=True)
class Import:
    """One imported module; `names` are those of `from module import …`."""

    module: str  # with `UNKNOWN` in it where it is computed
    names: tuple[str, ...]
    level: int  # leading dots of a relative import
    line: int


@dataclass(frozen=True)
class NamedPath:
    """A path that a file names: it may hold `*`, `**` and `?` as in a glob, and `UNKNOWN` where it is computed."""

    base: str  # where it starts: project | folder (that of the file) | anywhere (wherever Python or R run)
    path: str
    line: int
    file_only: bool = False  # otherwise a folder stands for all files below it


@dataclass(frozen=True)
class References:
    """All that a file refers to."""

    imports: tuple[Import, ...] = ()
    paths: tuple[NamedPath, ...] = ()
    exports: tuple[str, ...] = ()  # `__all__`: in a package it may name modules
    folders: tuple[tuple[str, NamedPath], ...] = ()  # by the names under which other files import them
    error: tuple[str, int] | None = None  # why and where the file could not be read


def paths_in(text: str, line: int) -> Iterator[NamedPath]:
    """Yield the parts of the literal `text` that may be paths of files."""
    if LOOKS_LIKE_PATH.fullmatch(text):
        yield NamedPath("anywhere", text, line, file_only=True)
    for match in _INSIDE.finditer(text):
        word = match[match.lastindex or 0]
        if LOOKS_LIKE_PATH.fullmatch(word):
            yield NamedPath("anywhere", word, line, file_only=True)
