"""The question before work, for a command whose `mode` is ask; plan and yes ask none."""

from __future__ import annotations

import sys

from basics.errors import Declined, UsageError

CHANGES_PLANNED = 2  # the exit code of the mode plan where there is something to do


def refuse_without_terminal(mode: str) -> None:
    """Raise `UsageError` where there is a question and nobody to answer it."""
    if mode == "ask" and not (sys.stdin and sys.stdin.isatty()):
        raise UsageError(
            "no-terminal", "there is no terminal to ask at", fix="add --yes to apply, or --plan to only look"
        )


def ask(mode: str, question: str, undone: str) -> None:
    """Ask `question`; raise `Declined`, which says what is `undone`, unless the answer is yes."""
    if mode == "ask" and not _agreed(question):
        raise Declined("declined", undone, fix="answer yes, or add --yes")


def _agreed(question: str) -> bool:
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
