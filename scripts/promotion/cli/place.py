"""Where a command works: the clone around the working folder, or `ENV|PATH`, an environment or a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from basics.errors import UsageError
from basics.process import CommandError, run
from promotion.layout import ENVIRONMENTS

if TYPE_CHECKING:  # `--help` does not need it
    from promotion.repository.git import Repository


@contextmanager
def clone() -> Iterator[Repository]:
    """Yield the repository around the working folder."""
    from promotion.repository.git import Repository

    with Repository.find(Path.cwd()) as repository:
        yield repository


def place(what: str) -> Path | str:
    """Return the environment's name or the folder that `what` means; if it can mean both, the environment."""
    if what == ".":
        return clone_around(Path.cwd())
    is_path = "/" in what or what.startswith(".")
    if not is_path and (clone_around(Path.cwd()) / ENVIRONMENTS / what).is_dir():
        return what
    if Path(what).is_dir():
        return Path(what)
    if is_path or Path(what).exists():
        raise UsageError("no-folder", f"there is no folder {what}", fix="name a clone's root, or an environment")
    return what


def clone_around(folder: Path) -> Path:
    """Return the root of the clone around `folder`, or `folder` itself if it looks like one or there is none."""
    if (folder / ENVIRONMENTS).is_dir():
        return folder
    try:
        shown = run("git", "rev-parse", "--show-toplevel", cwd=folder)
    except CommandError:
        return folder
    return Path(os.fsdecode(shown.removesuffix(b"\n")))
