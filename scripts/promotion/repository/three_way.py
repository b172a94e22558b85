"""The three-way merge of trees, by git, without a work tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from basics.errors import PromotionError
from basics.process import CommandError, run
from promotion.repository.git import Repository
from promotion.repository.tree import Tree

_CONFLICTS, _USAGE = 1, 129  # exit codes of git
_CONFLICT = "CONFLICT"


@dataclass(frozen=True)
class Merged:
    """What git made of three trees: in a file with a conflict both sides stand between markers."""

    tree: Tree
    conflicts: Mapping[str, str]  # the kind of conflict, by path
    theirs: str  # a commit that brings the change to any branch: git cherry-pick


def merge(repository: Repository, base: Tree, ours: Tree, theirs: Tree, message: str) -> Merged:
    """Bring to `ours` what changed from `base` to `theirs`, as `git cherry-pick` does; no ref moves.

    Needs git 2.38, the first with `git merge-tree --write-tree`.
    """
    now = datetime.now(UTC)
    root = repository.commit(base, None, message, now, sign=False)
    left, right = (repository.commit(side, root, message, now, sign=False) for side in (ours, theirs))
    try:
        words = ("merge-tree", "--write-tree", "--name-only", "-z", left, right)
        output = run("git", *words, cwd=repository.root)
    except CommandError as error:
        if error.returncode == _USAGE:
            raise PromotionError(
                "git-too-old", "this git cannot merge without a work tree", fix="install git 2.38 or newer"
            ) from error
        if error.returncode != _CONFLICTS:
            raise
        output = error.stdout.encode()
    oid, *told = output.decode(errors="surrogateescape").split("\0")
    paths = told[: told.index("")] if "" in told else []
    kinds = {path: _kind(path, told[len(paths) + 1 :]) for path in sorted(paths)}
    return Merged(repository.tree(oid), kinds, right)


def _kind(path: str, told: list[str]) -> str:
    """Return the kind of conflict in `path`; git tells a number of paths, the paths, the kind and a sentence."""
    while told and told[0].isdigit():
        number = int(told[0])
        paths, kind, told = told[1 : number + 1], told[number + 1], told[number + 3 :]
        if path in paths and kind.startswith(_CONFLICT):
            return kind.removeprefix(_CONFLICT).strip(" ()")
    return "contents"
