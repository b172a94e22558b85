"""What `main` would be once the commit that is checked out is merged into it."""

from __future__ import annotations

from basics.errors import Conflict
from basics.process import CommandError, run
from basics.wording import few
from promotion.changes.sides import Side, main_side
from promotion.record.release import Endpoint
from promotion.repository.git import MAIN, Repository
from promotion.repository.local_branch import checked_out
from promotion.repository.three_way import merge
from promotion.repository.tree import Tree


def merged_side(repository: Repository) -> Side:
    """Return the remote's `main` with the commit that is checked out merged into it; only a conflict is refused.

    The endpoint names the commit that is checked out. Nothing is merged anywhere.
    """
    main, commit = main_side(repository), checked_out(repository)
    here, ours = Endpoint(MAIN, None, commit), str(main.endpoint.commit)
    base = _merge_base(repository, ours, commit)
    if base == ours:
        return Side(here, repository.tree(commit))
    before = repository.tree(base) if base else Tree({}, repository)
    merged = merge(repository, before, main.tree, repository.tree(commit), "What a merge would be")
    if merged.conflicts:
        branch = f"{repository.remote}/{MAIN}"
        raise Conflict(
            "merge-conflict",
            f"{commit[:8]} and {branch} changed the same lines: {few(list(merged.conflicts))}",
            fix=f"git merge {branch}, resolve, commit, and plan again",
        )
    return Side(here, merged.tree)


def _merge_base(repository: Repository, one: str, other: str) -> str | None:
    try:
        return run("git", "merge-base", one, other, cwd=repository.root).decode().strip()
    except CommandError:  # histories that share nothing
        return None
