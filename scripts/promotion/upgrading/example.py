"""Where the template's example goes in a team's repository: its project and its environments are the team's."""

from __future__ import annotations

from collections.abc import Callable

from basics.process import run
from promotion.layout import EXAMPLE
from promotion.repository.git import Repository
from promotion.repository.tree import Tree
from promotion.upgrading.template import OF_THE_TEAM, Version

Place = Callable[[Tree], Tree]


def place_of_example(repository: Repository, head: str, base: Version, new: Version) -> tuple[Place, Place]:
    """Return how to lay out the files of `base`, the version that `head` has, and those of `new`.

    As long as the team has not touched the example, it stays where it is. Then it is in a folder of its own,
    unless the team has removed that one.
    """
    ours = repository.tree(head)
    if ours.has_folder(EXAMPLE):
        return _aside, _aside
    if not ours.under(*OF_THE_TEAM).differences(base.tree.under(*OF_THE_TEAM)):
        return _same, _same
    if run("git", "log", "-1", "--no-show-signature", "--format=%H", head, "--", EXAMPLE, cwd=repository.root):
        return _left_out, _left_out
    return _left_out, _left_out if base.commit == new.commit else _aside


def _same(version: Tree) -> Tree:
    return version


def _left_out(version: Tree) -> Tree:
    return version.without(version.under(*OF_THE_TEAM))


def _aside(version: Tree) -> Tree:
    example = version.under(*OF_THE_TEAM)
    return version.of_files(
        dict(_left_out(version)) | {f"{EXAMPLE}/{path}": file for path, file in example.items()}
    )
