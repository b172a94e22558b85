"""The stage of the demonstration: a scratch remote, a clone of it, one PostgreSQL, and commands that run there."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from basics.errors import PromotionError
from basics.process import run
from basics.supervised import supervised
from demonstration.example import put_in_place
from runtime.postgres import EXTERNAL_SERVER, Server, local_server, programs
from runtime.source_data import load_source


@dataclass(frozen=True)
class Stage:
    """Where the story happens: a clone in which commands run, and the server that all of them use."""

    clone: Path
    server: Server
    console: Console

    def type(self, command: str, *, exits: int = 0) -> None:
        """Show `command` and what it prints; raise `PromotionError` unless its exit code is `exits`."""
        self.console.print(Text(f"\n$ {command}", "bold cyan"))
        started = time.monotonic()
        with supervised(
            _words(command),
            stop=signal.SIGINT,
            environment=self._environment(),
            cwd=self.clone,
            stderr=subprocess.STDOUT,
        ) as process:
            code = process.wait()
        if code != exits:
            raise PromotionError(
                "step-failed",
                f"`{command}` ended with exit code {code} instead of {exits}",
                fix="read what it said above; scripts/demo.py --keep leaves the clone for a closer look",
            )
        if command.startswith("scripts/"):
            self.say(f"exit code {code}, {time.monotonic() - started:.1f} s", "dim")

    def say(self, line: str, style: str = "") -> None:
        """Tell one line of the story."""
        self.console.print(Text(line, style))

    def replace(self, path: str, old: str, new: str) -> None:
        """Edit a file of the clone; raise `PromotionError` unless it has the text `old` exactly once."""
        file = self.clone / path
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        if text.count(old) != 1:
            raise PromotionError(
                "edit-failed",
                f"the demonstration edits {path}, which does not have `{old.strip()}` any more",
                fix="update the edit in scripts/demonstration/story.py",
            )
        file.write_text(text.replace(old, new), encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        """Return the commands' environment variables: the one server, and none of the user's git settings."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PG"))}
        login = {
            EXTERNAL_SERVER: self.server.url(),
            "PGHOST": self.server.host,
            "PGPORT": str(self.server.port),
            "PGUSER": self.server.user,
            "PGPASSWORD": self.server.password,
            "PSQL_PAGER": "cat",
        }
        git = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_PAGER": "cat"}
        scratch = {
            "TMPDIR": str(self.clone.with_name("tmp")),
            "PATH": f"{programs()}{os.pathsep}{os.environ['PATH']}",
        }
        return own | login | git | scratch


def _words(command: str) -> list[str]:
    """Split a command as a shell does; our scripts run with this Python."""
    words = shlex.split(command)
    return [sys.executable, *words] if words[0].startswith("scripts/") else words


@contextmanager
def stage(checkout: Path, scratch: Path, console: Console) -> Iterator[Stage]:
    """Build the stage for the commit that `checkout` is at; its server ends with the `with` block."""
    clone = _clone(checkout, scratch)
    (scratch / "tmp").mkdir()
    os.environ.pop(EXTERNAL_SERVER, None)  # a server there may have a warehouse_prod, which we must not write
    with local_server() as server:
        load_source(server)
        yield Stage(clone, server, console)


def head_of(checkout: Path) -> tuple[str, bool]:
    """Return the commit of `checkout` that is shown, and whether the work tree has other changes."""
    if run("git", "rev-parse", "--show-toplevel", cwd=checkout, check=False).decode().rstrip("\n") != str(
        checkout
    ):
        raise PromotionError(
            "not-a-clone",
            f"{checkout} is no git clone, and the demonstration promotes what git has",
            fix="clone the repository instead of unpacking it; or: git init && git add . && git commit",
        )
    if run("git", "rev-parse", "--is-shallow-repository", cwd=checkout).strip() == b"true":
        raise PromotionError(
            "shallow-clone", "this clone is shallow: its history is missing", fix="git fetch --unshallow"
        )
    commit = run("git", "rev-parse", "--verify", "HEAD", cwd=checkout).decode().strip()
    return commit, bool(run("git", "status", "--porcelain", cwd=checkout))


def _clone(checkout: Path, scratch: Path) -> Path:
    """Make a bare remote whose `main` is the checkout's commit, from any branch, with the example; clone it."""
    remote, clone = scratch / "remote.git", scratch / "clone"
    run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(remote), cwd=scratch)
    run("git", "push", "--quiet", str(remote), "HEAD:refs/heads/main", cwd=checkout)
    run("git", "clone", "--quiet", str(remote), str(clone), cwd=scratch)
    for name, value in (("name", "Demo"), ("email", "demo@example.com")):
        run("git", "config", f"user.{name}", value, cwd=clone)
    put_in_place(clone)
    return clone
