"""Files that a command writes in addition to what it prints."""

from __future__ import annotations

import tempfile
from pathlib import Path

from basics.errors import UsageError


def write_file(path: Path, text: str) -> None:
    """Write `text` to `path`, replacing an older file in one step; raise `UsageError` where that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            file.write(text)
        Path(file.name).chmod(0o644)  # permissions as from an editor; a temporary file's are for its owner only
        Path(file.name).replace(path)
    except OSError as error:
        problem = f"{path}: {error.strerror}"
        raise UsageError("cannot-write", problem, fix="name a file that you may write") from error
