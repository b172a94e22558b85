"""The tree of a clone as it is on disk, committed or not."""

from __future__ import annotations

from pathlib import Path

from basics.errors import UsageError
from basics.process import CommandError, run
from promotion.repository.tree import Tree, tree_of_folder


def read_work_tree(folder: Path) -> Tree:
    """Return every file below `folder` that git does not ignore."""
    try:
        listing = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=folder)
    except CommandError as error:
        raise UsageError(
            "not-a-project", f"{folder} is not inside a git clone", fix="name the root of a clone"
        ) from error
    return tree_of_folder(folder, {path for path in listing.decode(errors="surrogateescape").split("\0") if path})
