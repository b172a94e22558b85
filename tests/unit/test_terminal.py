"""The question at a real terminal: yes releases, everything else does not."""

from __future__ import annotations

import os
import pty
import select
import time
from pathlib import Path

import pytest

from helpers import Program, command, environment, head, remote_refs, untouched


def converse(clone: Path, answer: bytes, *arguments: str) -> tuple[int, str]:
    """Promote at a terminal and type `answer` at the question; return the exit code and all that was shown."""
    ours, theirs = pty.openpty()
    process = Program(
        *command("promote", "main", "dev", *arguments),
        environment=environment(TERM="xterm", COLUMNS="80"),
        cwd=clone,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    )
    os.close(theirs)
    shown, answered, deadline = b"", False, time.monotonic() + 30
    while time.monotonic() < deadline:
        if not select.select([ours], [], [], 0.1)[0]:
            continue
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the other end is closed: the command has ended
            break
        if not answered and b"[y/N]" in shown:
            os.write(ours, answer)
            answered = True
    os.close(ours)
    return process.wait(timeout=10), shown.decode()


@pytest.mark.parametrize("answer", [b"y\n", b"YES\n"])
def test_yes_releases(project: Path, answer: bytes) -> None:
    exit_code, shown = converse(project, answer)
    assert exit_code == 0, shown
    assert "+ orders" in shown
    assert head(project, "env/dev")[:8] in shown


@pytest.mark.parametrize(
    "answer", [b"n\n", b"\n", b"yess\n", b"\x04", b"\x03"], ids=["n", "enter", "typo", "^D", "^C"]
)
def test_everything_else_releases_nothing(project: Path, answer: bytes) -> None:
    before = untouched(project), remote_refs(project)
    exit_code, shown = converse(project, answer)
    assert exit_code == 130, shown
    assert "Traceback" not in shown
    assert (untouched(project), remote_refs(project)) == before


def test_nothing_to_do_asks_nothing(promoted_to_dev: Path) -> None:
    exit_code, shown = converse(promoted_to_dev, b"")
    assert exit_code == 0
    assert "[y/N]" not in shown


def test_a_terminal_shows_colours(project: Path) -> None:
    assert "\x1b[" in converse(project, b"n\n")[1]
