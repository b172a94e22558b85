"""What code imports by the first part of a name: the project, also under its own name, and packages beside it.

The project's own name is a link, `packages/NAME -> ../mage_project`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from promotion.layout import PACKAGES, PROJECT
from promotion.repository.tree import SYMLINK, Tree, tree_of_folder


def own_names(tree: Tree) -> list[str]:
    """Return the names that `packages/` gives the project: none or, in a project that Mage can run, one."""
    return [name for name, path in importable(tree).items() if path == PROJECT and name != PROJECT]


def importable(tree: Tree) -> Mapping[str, str]:
    """Return, by the first part of the name in an import, the path in `tree` that it stands for, without `.py`."""
    return {PROJECT: PROJECT} | dict(_in_packages(tree))


def _in_packages(tree: Tree) -> Iterator[tuple[str, str]]:
    for path in tree.paths_at(PACKAGES):
        _, *names = path.split("/")
        if len(names) > 1:
            yield names[0], f"{PACKAGES}/{names[0]}"
        elif names and tree[path].mode == SYMLINK and tree.linked(path) == PROJECT:
            yield names[0], PROJECT
        elif path.endswith(".py"):
            yield names[0].removesuffix(".py"), path.removesuffix(".py")


def project_folder(tree: Tree) -> str:
    """Return the path under which Mage gets the project: Mage takes its last part for the project's name."""
    return next((f"{PACKAGES}/{name}" for name in own_names(tree)), PROJECT)


def how_to_name(tree: Tree, name: str) -> str:
    """Return how code or a block finds the project that it calls `name`."""
    own = own_names(tree)
    return (
        f"write {own[0]} instead" if own else f"give the project that name: ln -s ../{PROJECT} {PACKAGES}/{name}"
    )


def project_in(folder: Path) -> Path:
    """Return what `project_folder` does, of a tree that lies in `folder`."""
    paths = (path.relative_to(folder).as_posix() for path in (folder / PACKAGES).glob("*") if path.is_symlink())
    return folder / project_folder(tree_of_folder(folder, paths))
