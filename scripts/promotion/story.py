"""What a command tells while it works, on stderr: stdout is kept for the result."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console
from rich.text import Text

_NOBODY_READS = 141  # what a shell reports of a program that SIGPIPE ended


def end_unread() -> NoReturn:
    """End as other tools do when the reader of their output is gone, like in `… | head -1`: without a word."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())  # for what is still in their buffers
    sys.exit(_NOBODY_READS)


class Terminal(Console):
    """A console that prints lines as they are, for as long as somebody reads them."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, soft_wrap=True)

    def on_broken_pipe(self) -> NoReturn:
        """End quietly."""
        end_unread()


class Story:
    """Progress on a terminal, plain lines otherwise."""

    def __init__(self) -> None:
        self._console = Terminal(stderr=True)

    def say(self, line: str, style: str = "") -> None:
        """Tell one line."""
        self._console.print(Text(line, style))

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show `what` while the block runs, then how long it took."""
        started = time.monotonic()
        with self._console.status(Text(what)):
            yield
        self.say(f"✓ {what} ({time.monotonic() - started:.1f} s)", "green")
