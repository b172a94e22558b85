"""A program at a terminal, and somebody who types there."""

from __future__ import annotations

import os
import pty
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from helpers import Program


def at_terminal(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], keys: bytes = b"", question: bytes = b""
) -> tuple[int, str]:
    """Run a program; type `keys` when it shows `question`. Return its exit code and all that was shown."""
    ours, its = pty.openpty()
    streams = {"stdin": its, "stdout": its, "stderr": its}
    with Program(*words, environment=environment, cwd=folder, preexec_fn=_take_the_terminal, **streams) as program:
        os.close(its)
        shown = b""
        with suppress(OSError):  # how Linux says that nobody is at the other end
            while True:
                if keys and question in shown:
                    os.write(ours, keys)
                    keys = b""
                shown += os.read(ours, 65536)
        os.close(ours)
        return program.wait(10), shown.decode()


def _take_the_terminal() -> None:
    """Let Ctrl-C at the terminal reach us: it belongs to whom of a session opens it first."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))
