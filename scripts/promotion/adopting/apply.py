"""How a project gets into a clone: one new branch, and nothing else. What is checked out stays as it is."""

from __future__ import annotations

from datetime import UTC, datetime

from promotion.adopting.plan import Adoption
from promotion.repository.git import Repository
from promotion.repository.local_branch import commit_of, make_branch


def is_prepared(repository: Repository, adoption: Adoption) -> bool:
    """Tell whether the branch is there already, with the very same files."""
    commit = commit_of(repository, adoption.branch)
    return commit is not None and not repository.tree(commit).differences(adoption.tree)


def prepare(repository: Repository, adoption: Adoption) -> None:
    """Make the branch, by one write; raise `Conflict` where there is another one of its name."""
    message = f"Adopt the project {adoption.source.name}\n"
    commit = repository.commit(adoption.tree, adoption.head, message, datetime.now(UTC))
    make_branch(repository, adoption.branch, commit)
