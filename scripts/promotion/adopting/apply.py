"""How a project gets into a clone: one new branch, and nothing else. What is checked out stays as it is."""

from __future__ import annotations

from datetime import UTC, datetime

from basics.errors import Conflict
from basics.process import CommandError, run
from promotion.adopting.plan import Adoption
from promotion.repository.git import Repository


def is_prepared(repository: Repository, adoption: Adoption) -> bool:
    """Tell whether the branch is there already, with the very same files."""
    ref = f"refs/heads/{adoption.branch}"
    commit = run("git", "for-each-ref", "--format=%(objectname)", ref, cwd=repository.root).decode().strip()
    return bool(commit) and not repository.tree(commit).differences(adoption.tree)


def prepare(repository: Repository, adoption: Adoption) -> None:
    """Make the branch, by one write; raise `Conflict` where there is another one of its name."""
    message = f"Adopt the project {adoption.source.name}\n"
    commit = repository.commit(adoption.tree, adoption.head, message, datetime.now(UTC))
    try:
        run("git", "branch", "--no-track", adoption.branch, commit, cwd=repository.root)
    except CommandError as error:
        raise Conflict(
            "branch-exists",
            f"the branch {adoption.branch} cannot be made:\n{error.stderr}",
            fix=f"finish what is on it, or remove it: git branch -D {adoption.branch}",
        ) from error
