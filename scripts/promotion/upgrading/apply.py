"""How an upgrade gets into a clone: one new branch, and nothing else. What is checked out stays as it is."""

from __future__ import annotations

from datetime import UTC, datetime

from basics.process import run
from promotion.repository.git import Repository
from promotion.repository.local_branch import commit_of, make_branch
from promotion.upgrading.plan import Upgrade, message_of
from promotion.upgrading.template import RECORD


def branch_of(upgrade: Upgrade) -> str:
    """Return the branch that is made: with the upgrade or, at conflicts, with what a person brings in."""
    return f"{'template' if upgrade.merged.conflicts else 'upgrade'}/{upgrade.new.name}"


def is_prepared(repository: Repository, upgrade: Upgrade) -> bool:
    """Tell whether the branch is there already; a person may have gone on with it."""
    commit = commit_of(repository, branch_of(upgrade))
    if commit is None:
        return False
    tree = repository.tree(commit)
    if RECORD not in tree or tree.read(RECORD) != upgrade.new.record:
        return False
    goes_on = run("git", "rev-list", "-1", upgrade.head, f"^{commit}", cwd=repository.root) == b""
    return goes_on or bool(upgrade.merged.conflicts)


def prepare(repository: Repository, upgrade: Upgrade) -> None:
    """Make the branch; raise `Conflict` where there is another one of its name."""
    commit = upgrade.merged.theirs
    if not upgrade.merged.conflicts:
        message = message_of(upgrade.new)
        commit = repository.commit(upgrade.merged.tree, upgrade.head, message, datetime.now(UTC))
    make_branch(repository, branch_of(upgrade), commit)
