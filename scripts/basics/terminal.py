"""Lines on stdout or stderr, for as long as somebody reads them."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

from basics.wrapping import wrapped

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_NOBODY_READS = 141  # what a shell reports for a program that SIGPIPE ended


def end_unread() -> NoReturn:
    """End without a word, as other tools do when the reader of their output is gone, like in `… | head -1`."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())  # takes what is still in their buffers
    sys.exit(_NOBODY_READS)


def columns() -> int | None:
    """Return how wide the terminal is that shows stdout; None for a pipe or a file, where a line may be long."""
    if not sys.stdout.isatty():
        return None
    from shutil import get_terminal_size  # which heeds COLUMNS

    return get_terminal_size().columns


class Terminal:
    """Prints lines for as long as somebody reads them: on a terminal with style and wrapped, else unchanged."""

    def __init__(self, *, stderr: bool = False) -> None:
        self._is_stderr = stderr
        self._console = self._styled() if self._stream.isatty() or "FORCE_COLOR" in os.environ else None

    @property
    def _stream(self) -> Any:
        return sys.stderr if self._is_stderr else sys.stdout

    def _styled(self) -> Console:
        from rich.console import Console  # the import takes a tenth of a second; pipes and files need none

        return Console(stderr=self._is_stderr, highlight=False, soft_wrap=True)

    def print(self, line: str, style: str = "") -> None:
        """Print one line."""
        try:
            if self._console is None:
                print(line, file=self._stream, flush=True)
            else:
                width = columns()
                for shown in wrapped(line, width) if width else [line]:
                    self._console.print(_text(shown, style))
        except BrokenPipeError:
            end_unread()

    def status(self, what: str) -> AbstractContextManager[object]:
        """Show `what` for as long as the block runs, on a terminal that can remove it again."""
        if self._console is None or self._console.is_dumb_terminal:
            return nullcontext()
        return self._console.status(_text(what))


def _text(line: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(line, style)
