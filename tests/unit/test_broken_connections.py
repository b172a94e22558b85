"""Connections that break within a fetch or a push, after any number of bytes: what is told is what is so."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from helpers import (
    PROJECT,
    call_script,
    git,
    head,
    promote,
    push,
    released_text,
    remote_of,
    untouched,
    write,
)

LOAD_ORDERS = f"{PROJECT}/data_loaders/load_orders.py"


# Stands for the remote's `git …`, of which so many bytes get through, one way or the other.
CUT = """
import os, subprocess, sys
way, left, words = sys.argv[1], int(sys.argv[2]), ["git", *sys.argv[3:]]
program = subprocess.Popen(words, **{"stdin" if way == "sent" else "stdout": subprocess.PIPE})
source, sink = (0, program.stdin.fileno()) if way == "sent" else (program.stdout.fileno(), 1)
while left and (chunk := os.read(source, left)):
    os.write(sink, chunk)
    left -= len(chunk)
if not left:
    program.kill()
"""


def cut_short(clone: Path, program: str, way: str, size: int) -> None:
    """Break the connection to the remote's `program` when `size` bytes were sent or answered."""
    words = [sys.executable, "-SEc", CUT, way, str(size), program]
    git(clone, "config", f"remote.origin.{program.replace('-', '')}", shlex.join(words))


def test_a_fetch_that_breaks_anywhere_changes_nothing(two_changes: Path) -> None:
    other = two_changes.parent / "other"
    git(other.parent, "clone", "--quiet", str(remote_of(two_changes)), "other")
    write(other, {LOAD_ORDERS: "newest = 1\n"})
    push(other)
    old, told = head(two_changes, "env/dev"), set()
    for size in range(0, 10_000, 100):
        cut_short(two_changes, "upload-pack", "answered", size)
        before = untouched(two_changes)
        result = call_script(two_changes, "promote", "main", "dev", "--yes", "--json")
        assert untouched(two_changes) == before
        if result.exit_code == 0:
            break
        error = result.document["error"]
        assert (error["exit_code"], error["code"], head(two_changes, "env/dev")) == (1, "remote-unreachable", old)
        told.add(error["message"].splitlines()[-1])
    assert any("listing" in line for line in told)
    assert any("pack" in line for line in told)
    assert released_text(two_changes, "dev", LOAD_ORDERS) == "newest = 1"


@pytest.mark.parametrize("way", ["sent", "answered"])
def test_a_push_that_breaks_anywhere_is_told_as_it_ended(two_changes: Path, way: str) -> None:
    """The answer that got lost may have been a yes."""
    old, ended = head(two_changes, "env/dev"), set()
    for size in range(0, 1600, 100):
        git(remote_of(two_changes), "update-ref", "refs/heads/env/dev", old)
        cut_short(two_changes, "receive-pack", way, size)
        result = call_script(two_changes, "promote", "main", "dev", "--yes", "--json")
        released = head(two_changes, "env/dev") != old
        assert (result.exit_code == 0) is released, result.stdout
        ended.add(released)
        if released:
            assert result.document["release"]["commit"] == head(two_changes, "env/dev")
    assert ended == {True, False}
    git(two_changes, "config", "--unset", "remote.origin.receivepack")
    promote(two_changes, "main", "dev")
    assert call_script(two_changes, "verify", "dev").exit_code == 0
