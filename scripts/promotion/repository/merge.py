"""How hosts merge a release that waited on its own branch."""

from __future__ import annotations

from promotion.repository.git import Repository


def is_merge_of(repository: Repository, commit: str, release: str) -> bool:
    """Tell whether `commit` of an environment's branch brought the commit `release` and nothing else.

    A fast-forward brings that very commit. A merge has it as its second parent; a squash or a rebase makes a new
    commit. Each of them has the files and the first parent of the release.
    """
    if commit == release:
        return True
    came, made = repository.header(commit), repository.header(release)
    return (came.tree, came.parents[:1]) == (made.tree, made.parents) and came.parents[1:] in ((), (release,))
