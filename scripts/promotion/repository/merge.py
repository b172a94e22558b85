"""How hosts merge a release that waited on a branch of its own."""

from __future__ import annotations

from promotion.repository.git import Repository


def is_merge_of(repository: Repository, commit: str, release: str) -> bool:
    """Tell whether `commit` of an environment's branch brought the commit `release` and nothing else.

    By a fast-forward it is that commit. A merge has it as the second parent; a squash or a rebase makes another
    commit of it. Each has the release's files and stands, like the release, on the release before.
    """
    if commit == release:
        return True
    came, made = repository.header(commit), repository.header(release)
    return (came.tree, came.parents[:1]) == (made.tree, made.parents) and came.parents[1:] in ((), (release,))
