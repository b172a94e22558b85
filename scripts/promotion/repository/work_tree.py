"""The tree of a clone as it is on disk, committed or not."""

from __future__ import annotations

from pathlib import Path

from basics.errors import UsageError
from basics.process import CommandError, run
from promotion.repository.tree import SUBMODULE, File, Tree, tree_of_folder


def read_work_tree(folder: Path) -> Tree:
    """Return every file below `folder` that git does not ignore, and each submodule as a commit would have it."""
    options = ("--stage", "--cached", "--others", "--exclude-standard")
    try:
        listing = run("git", "ls-files", "-z", *options, cwd=folder)
    except CommandError as error:
        raise UsageError(
            "not-a-project", f"{folder} is not inside a git clone", fix="name the root of a clone"
        ) from error
    entries = listing.decode(errors="surrogateescape").split("\0")[:-1]
    known = {path: told.split(" ")[1] for told, tab, path in (entry.partition("\t") for entry in entries) if tab}
    paths = {entry.partition("\t")[2] or entry for entry in entries}
    # Git names a folder only if that is another repository; with `/` at its end if it was not added yet.
    folders = {path.removesuffix("/") for path in paths if _is_folder(folder / path)}
    files = tree_of_folder(folder, paths)
    return files.of_files({**files, **{path: File(SUBMODULE, known.get(path, "")) for path in folders}})


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
