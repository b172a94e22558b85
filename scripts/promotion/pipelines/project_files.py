"""The files of a tree that code names by a path."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from promotion.layout import PACKAGES, PROJECT
from promotion.pipelines.references.values import UNKNOWN, NamedPath
from promotion.repository.tree import Tree

_GLOB = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]", UNKNOWN: ".*"}
_SPECIAL = re.compile("|".join(map(re.escape, _GLOB)))


def named_files(tree: Tree, roots: Mapping[str, str], referrer: str, named: NamedPath) -> list[str]:
    """Return the files that the path `named` in the file `referrer` stands for, or may stand for.

    `roots` are the folders of the tree by the names that they have beside the project.
    """
    return [
        path for candidate in candidates(roots, referrer, named) for path in _at(tree, candidate, named.file_only)
    ]


def matching(tree: Tree, glob: str) -> Iterator[str]:
    """Yield the paths of `tree` that match `glob`: `*` within a folder, `**` across folders."""
    parts = _SPECIAL.split(glob)
    whole = re.compile("".join(map(_translated, re.split(f"({_SPECIAL.pattern})", glob))), re.DOTALL)
    folder = parts[0].rpartition("/")[0]
    return (path for path in tree.paths_at(folder) if whole.fullmatch(path))


def candidates(roots: Mapping[str, str], referrer: str, named: NamedPath) -> Iterator[str]:
    """Yield the paths of the tree that `named` may mean."""
    starts = {"project": [PROJECT], "folder": [posixpath.dirname(referrer)], "anywhere": [PROJECT, ""]}[named.base]
    if named.base == "anywhere" and named.path.startswith("/"):  # an absolute path of the project on some machine
        yield from below_project(roots, named.path)
        return
    for start in starts:
        candidate = posixpath.normpath(posixpath.join(start, named.path))
        first, slash, rest = candidate.partition("/")
        if first == PACKAGES:
            yield candidate
        elif slash and first in roots:
            yield f"{roots[first]}/{rest}"


def below_project(roots: Mapping[str, str], path: str) -> Iterator[str]:
    """Yield the paths of the tree that the absolute `path` means if it leads through the project's folder."""
    for name, root in roots.items():
        _, inside, rest = path.rpartition(f"/{name}/")
        if inside and root == PROJECT:
            yield posixpath.normpath(f"{PROJECT}/{rest}")


def _at(tree: Tree, path: str, file_only: bool) -> Iterator[str]:
    if path in tree:
        yield path
    elif _SPECIAL.search(path):
        yield from matching(tree, path)
    elif not file_only:
        yield from tree.paths_at(path)


def _translated(part: str) -> str:
    return _GLOB.get(part, re.escape(part))
