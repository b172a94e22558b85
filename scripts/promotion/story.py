"""What a command tells while it works, on stderr: stdout is kept for the result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text


class Story:
    """Progress on a terminal, plain lines otherwise."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)

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
