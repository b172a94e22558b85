"""What a command tells on stderr while it works; stdout is only for the result.

Progress on a terminal, plain lines otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from basics.terminal import Terminal

quiet = False  # True when the command line asks for no progress


def say(line: str, style: str = "") -> None:
    """Tell one line."""
    Terminal(stderr=True).print(line, style)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Show `what` while the block runs, then how long it took; nothing when `quiet`."""
    if quiet:
        yield
        return
    started = time.monotonic()
    with Terminal(stderr=True).status(what):
        yield
    say(f"✓ {what} ({time.monotonic() - started:.1f} s)", "green")
