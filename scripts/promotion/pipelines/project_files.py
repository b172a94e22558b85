"""The files of a tree that code names by a path."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from promotion.pipelines.references.values import UNKNOWN, NamedPath
from promotion.repository.tree import Tree

_GLOB = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]", UNKNOWN: ".*"}
_SPECIAL = re.compile("|".join(map(re.escape, _GLOB)))


def named_files(tree: Tree, root: str, referrer: str, named: NamedPath) -> list[str]:
    """Return the files below `root` that the path `named` in the file `referrer` stands for, or may stand for."""
    return [
        path for candidate in _candidates(root, referrer, named) for path in _at(tree, candidate, named.file_only)
    ]


def matching(tree: Tree, glob: str) -> Iterator[str]:
    """Yield the paths of `tree` that match `glob`: `*` within a folder, `**` across folders."""
    parts = _SPECIAL.split(glob)
    whole = re.compile("".join(map(_translated, re.split(f"({_SPECIAL.pattern})", glob))), re.DOTALL)
    folder = parts[0].rpartition("/")[0]
    return (path for path in tree.paths_at(folder) if whole.fullmatch(path))


def _candidates(root: str, referrer: str, named: NamedPath) -> Iterator[str]:
    """Yield the paths below `root` that `named` may mean."""
    starts = {"project": [root], "folder": [posixpath.dirname(referrer)], "anywhere": [root, ""]}[named.base]
    path = named.path
    if named.base == "anywhere" and path.startswith("/"):  # an absolute path of the project on some machine
        _, inside, path = path.rpartition(f"/{root}/")
        starts = [root] if inside else []
    for start in starts:
        candidate = posixpath.normpath(posixpath.join(start, path))
        if candidate.startswith(f"{root}/"):
            yield candidate


def _at(tree: Tree, path: str, file_only: bool) -> Iterator[str]:
    if path in tree:
        yield path
    elif _SPECIAL.search(path):
        yield from matching(tree, path)
    elif not file_only:
        yield from tree.paths_at(path)


def _translated(part: str) -> str:
    return _GLOB.get(part, re.escape(part))
