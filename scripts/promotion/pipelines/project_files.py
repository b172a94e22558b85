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
    return [path for place in _places(root, referrer, named) for path in _at(tree, place, named.file_only)]


def matching(tree: Tree, glob: str) -> Iterator[str]:
    """Yield the paths of `tree` that match `glob`: `*` within a folder, `**` across folders."""
    parts = _SPECIAL.split(glob)
    whole = re.compile("".join(map(_translated, re.split(f"({_SPECIAL.pattern})", glob))), re.DOTALL)
    folder = parts[0].rpartition("/")[0]
    return (path for path in tree.paths_at(folder) if whole.fullmatch(path))


def _places(root: str, referrer: str, named: NamedPath) -> Iterator[str]:
    """Yield the paths below `root` that `named` may mean."""
    starts = {"project": [root], "folder": [posixpath.dirname(referrer)], "anywhere": [root, ""]}[named.base]
    path = named.path
    if named.base == "anywhere" and path.startswith("/"):  # an absolute path of the project on some machine
        _, inside, path = path.rpartition(f"/{root}/")
        starts = [root] if inside else []
    for start in starts:
        place = posixpath.normpath(posixpath.join(start, path))
        if place.startswith(f"{root}/"):
            yield place


def _at(tree: Tree, place: str, file_only: bool) -> Iterator[str]:
    if place in tree:
        yield place
    elif _SPECIAL.search(place):
        yield from matching(tree, place)
    elif not file_only:
        yield from tree.paths_at(place)


def _translated(part: str) -> str:
    return _GLOB.get(part, re.escape(part))
