"""Branches of this clone: a command makes one with its work, and what is checked out stays as it is."""

from __future__ import annotations

from basics.errors import Conflict
from basics.process import CommandError, run
from promotion.repository.git import Repository


def checked_out(repository: Repository) -> str:
    """Return the commit that is checked out in this clone."""
    return run("git", "rev-parse", "--verify", "HEAD^{commit}", cwd=repository.root).decode().strip()


def commit_of(repository: Repository, branch: str) -> str | None:
    """Return the commit of the branch, None where there is no such branch."""
    words = ("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
    return run("git", *words, cwd=repository.root).decode().strip() or None


def make_branch(repository: Repository, branch: str, commit: str) -> None:
    """Make the branch at `commit`, by one write; raise `Conflict` where there is another one of its name."""
    try:
        run("git", "branch", "--no-track", branch, commit, cwd=repository.root)
    except CommandError as error:
        raise Conflict(
            "branch-exists",
            f"the branch {branch} cannot be made:\n{error.stderr}",
            fix=f"finish what is on it, or remove it: git branch -D {branch}",
        ) from error
