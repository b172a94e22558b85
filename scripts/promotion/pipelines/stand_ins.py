"""Content that only stands for other content: what tools put into git instead of a file's bytes.

Each form is documented by its tool: Git LFS (docs/spec.md), git-annex (doc/pointer_file.mdwn, and links into
.git/annex/objects), git-xet and git-fat (their README), git-crypt (its header), DVC (`NAME.dvc` beside NAME).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from promotion.repository.tree import SYMLINK, Tree, folders

_BEGINNINGS = {
    b"version https://git-lfs.github.com/spec/": "Git LFS",
    b"version https://hawser.github.com/spec/": "Git LFS",  # of its first versions
    b"/annex/objects/": "git-annex",
    b"# xet version ": "git-xet",
    b"#$# git-fat ": "git-fat",
    b"\0GITCRYPT\0": "git-crypt",
}
_ANNEX = re.compile(r"(^|/)(\.git/annex/objects|annex/objects)/")


def stands_for(tree: Tree, path: str) -> str | None:
    """Return the tool that keeps the content of the file or link `path` elsewhere; None if it is there."""
    if tree[path].mode == SYMLINK:
        return "git-annex" if _ANNEX.search(tree.link(path)) else None
    return tree.recall("stand-ins", path, _tool_of)


def kept_elsewhere(tree: Tree, paths: Iterable[str]) -> Iterator[str]:
    """Yield the files by which DVC stands for those of `paths`, none of which is in the tree."""
    for path in paths:
        yield from (f"{each}.dvc" for each in (path, *folders(path)) if f"{each}.dvc" in tree)


def _tool_of(content: bytes) -> str | None:
    return next((tool for begin, tool in _BEGINNINGS.items() if content.startswith(begin)), None)
