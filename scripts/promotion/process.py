"""The only place that starts another program."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from promotion.errors import PromotionError

# A git hook that calls us exports these; they would point our git at the caller's index or work tree.
_LEAKED = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class CommandError(PromotionError):
    """A program failed; the message shows the command so that it can be pasted, and what it said."""

    def __init__(self, command: Sequence[str], returncode: int, stderr: str) -> None:
        shown = without_credentials(shlex.join(command))
        said = without_credentials(stderr.strip())
        super().__init__("command-failed", f"`{shown}` failed with exit code {returncode}:\n{said}")
        self.returncode = returncode
        self.stderr = said


def without_credentials(text: str) -> str:
    """Hide user and password in every URL of `text`."""
    return _CREDENTIALS.sub("…@", text)


def run(
    *command: str,
    cwd: Path,
    stdin: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    check: bool = True,
) -> bytes:
    """Run `command` and return its standard output; a failure raises `CommandError` unless `check` is off."""
    clean = {name: value for name, value in os.environ.items() if name not in _LEAKED}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            input=stdin,
            env=clean | dict(environment or {}),
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise PromotionError(
            "program-missing", f"`{command[0]}` is not installed or not on PATH", fix=f"install {command[0]}"
        ) from error
    if check and done.returncode:
        raise CommandError(command, done.returncode, done.stderr.decode(errors="replace"))
    return done.stdout
