"""End at SIGTERM: the first process of a container gets no signal that it has no handler for, and stays."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn


def end_at_sigterm() -> None:
    """Let SIGTERM end this process as `sys.exit` does, so that what it has begun is taken back."""
    # MAGE.md: deaf-to-sigterm
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)
