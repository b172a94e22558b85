"""The question at a real terminal: yes releases, everything else does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import command, environment, head, remote_refs, untouched
from terminal import at_terminal


def converse(clone: Path, answer: bytes, *arguments: str) -> tuple[int, str]:
    """Promote at a terminal and type `answer` at the question; return the exit code and all that was shown."""
    variables = environment(TERM="xterm", COLUMNS="80")
    return at_terminal(command("promote", "main", "dev", *arguments), clone, variables, answer, b"[y/N]")


@pytest.mark.parametrize("answer", [b"y\n", b"YES\n"])
def test_yes_releases(project: Path, answer: bytes) -> None:
    exit_code, shown = converse(project, answer)
    assert exit_code == 0, shown
    assert "+ orders" in shown
    assert head(project, "env/dev")[:8] in shown


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"n\n", "declined"),
        (b"\n", "declined"),
        (b"yess\n", "declined"),
        (b"\x04", "declined"),
        (b"\x03", "interrupted"),
    ],
    ids=["n", "enter", "typo", "^D", "^C"],
)
def test_everything_else_releases_nothing(project: Path, answer: bytes, code: str) -> None:
    before = untouched(project), remote_refs(project)
    exit_code, shown = converse(project, answer)
    assert exit_code == 130, shown
    assert f"error[{code}]: " in shown
    assert (untouched(project), remote_refs(project)) == before


def test_nothing_to_do_asks_nothing(promoted_to_dev: Path) -> None:
    exit_code, shown = converse(promoted_to_dev, b"")
    assert exit_code == 0
    assert "[y/N]" not in shown


def test_a_terminal_shows_colours(project: Path) -> None:
    assert "\x1b[" in converse(project, b"n\n")[1]
