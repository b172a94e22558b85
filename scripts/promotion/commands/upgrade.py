"""`upgrade.py FROM [REF]`: the next version of chart, scripts, tests and documentation, on a branch of its own."""

from __future__ import annotations

from collections.abc import Iterator

from basics import progress
from basics.errors import Conflict, Finding
from promotion.commands.question import CHANGES_PLANNED, ask, refuse_without_terminal
from promotion.repository.elsewhere import fetch_commit
from promotion.repository.git import Repository
from promotion.showing.result import Result, Shown
from promotion.showing.upgrade import ShownUpgrade, next_steps
from promotion.upgrading.apply import branch_of, is_prepared, prepare
from promotion.upgrading.plan import Upgrade, plan_upgrade


def upgrade(repository: Repository, address: str, ref: str | None, *, mode: str) -> Iterator[Result]:
    """Bring the version `ref` of the template at `address` (None: what is checked out there) to a new branch.

    Raises `Conflict` where the team and the template changed the same lines: then the branch has what a person
    brings in by `git cherry-pick`.
    """
    with progress.step("read the template and compare it with this repository"):
        repository.identity()
        plan = plan_upgrade(repository, fetch_commit(repository, address, ref))
    refuse_without_terminal(mode)
    yield ShownUpgrade(plan, exit_code=CHANGES_PLANNED if mode == "plan" and not plan.is_empty else 0)
    if mode == "plan" or plan.is_empty:
        return
    branch = branch_of(plan)
    if not is_prepared(repository, plan):
        ask(mode, f"Make the branch {branch}?", "no branch was made")
        prepare(repository, plan)
    if plan.merged.conflicts:
        raise _unresolved(plan)
    yield Shown("prepared", {"branch": branch}, next_steps(plan))


def _unresolved(plan: Upgrade) -> Conflict:
    version, branch = plan.new.name, branch_of(plan)
    findings = [
        Finding(path, None, "upgrade-conflict", f"you and the template changed it ({kind})", "keep what both mean")
        for path, kind in plan.merged.conflicts.items()
    ]
    return Conflict(
        "upgrade-conflict",
        f"git cannot merge {len(findings)} of the files that you changed; nothing is changed yet",
        fix=f"git switch -c upgrade/{version}; git cherry-pick {branch}; mend the files; git add them; "
        "git cherry-pick --continue",
        findings=findings,
    )
