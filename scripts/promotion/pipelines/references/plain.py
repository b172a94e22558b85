"""What configuration, SQL and shell files refer to: paths, and the modules of a streaming pipeline's messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from promotion.pipelines.references.values import LOOKS_LIKE_PATH, Import, NamedPath, References

_COMMENT = {".sql": "--", ".json": None}  # all others have `#`
SUFFIXES = (".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".sql", ".sh")
_WORDS = re.compile(r"""'([^'\n]+)'|"([^"\n]+)"|([^\s'"=:,;|<>(){}\[\]]+)""")
_MESSAGES = re.compile(r"^\s*schema_classpath:\s*['\"]?([\w.]+)\.\w+", re.MULTILINE)


def plain_references(path: str, text: str) -> References:
    """Return what the file `path` with the content `text` refers to."""
    imports = (
        Import(match[1], (), 0, text.count("\n", 0, match.start(1)) + 1) for match in _MESSAGES.finditer(text)
    )
    return References(tuple(imports), tuple(dict.fromkeys(_paths(path, text))))


def _paths(path: str, text: str) -> Iterator[NamedPath]:
    comment = _COMMENT.get(PurePosixPath(path).suffix, "#")
    for number, line in enumerate(text.splitlines(), start=1):
        code = re.split(rf"(?:^|\s){comment}", line, maxsplit=1)[0] if comment else line
        for match in _WORDS.finditer(code):
            word = match[match.lastindex or 0]
            if LOOKS_LIKE_PATH.fullmatch(word):
                yield NamedPath("anywhere", word, number, file_only=True)
