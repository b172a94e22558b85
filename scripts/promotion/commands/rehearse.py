"""`promote.py rehearse SRC DST`: a promotion and its rollback, with all gates, but not on your remote."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from basics import progress
from basics.errors import Finding, GateRefused
from promotion.changes.sides import Side, environment_side, refuse_local_changes
from promotion.commands.promote import plan_promotion
from promotion.commands.rollback import plan_rollback
from promotion.options import Options
from promotion.planning.plan import Plan
from promotion.record.release import FILE, branch_of
from promotion.releasing.apply import apply
from promotion.repository.git import Repository
from promotion.repository.throw_away_clone import throw_away_clone
from promotion.showing.plan import ShownPlan
from promotion.showing.result import Result, Shown


def rehearse(repository: Repository, source: str, target: str, options: Options) -> Iterator[Result]:
    """Promote from `source` to `target` and roll back, in a clone and a remote for this alone.

    Raises what either would raise, and `GateRefused` if the rollback does not restore what was there.
    """
    with progress.step(f"read {source} and {target} for a rehearsal: it pushes to a remote that is thrown away"):
        repository.fetch()
        refuse_local_changes(repository, source, target)
    with throw_away_clone(repository) as clone:
        promotion = yield from _act("promotion", lambda: plan_promotion(clone, source, target, options), clone)
        before = promotion.request.target
        if promotion.draft.is_empty:
            return
        if not before.current:
            told = f"Rehearsed the first release of {target}: there is nothing to go back to."
            yield Shown("rehearsed", {"environment": target, "restored": None}, [(told, "bold green")])
            return
        number, back = len(before.releases), Options(reason="rehearsal")
        yield from _act("rollback", lambda: plan_rollback(clone, target, number, back), clone)
        clone.fetch()
        yield _compared(before, environment_side(clone, target))


def _act(what: str, make_plan: Callable[[], Plan], clone: Repository) -> Generator[Result, None, Plan]:
    """Show the plan and carry it out; raise what refuses it."""
    plan = make_plan()
    yield ShownPlan(plan, what)
    if not plan.draft.is_empty:
        if plan.verdict.refusals:
            raise plan.verdict.refusals[0]
        apply(plan, make_plan, clone, lambda plan: plan.draft.image)  # nothing goes to a registry
    return plan


def _compared(before: Side, after: Side) -> Result:
    if lost := list(_differences(before, after)):
        message = f"the rollback does not restore what {before.endpoint.environment} has now"
        raise GateRefused("not-restored", message, fix="see each finding", findings=lost)
    files, back_at = before.tree.without([FILE]), before.endpoint
    told = f"Rehearsed: all {len(files)} files of {back_at.environment} {back_at.release} are back, byte for byte."
    document = {"environment": back_at.environment, "restored": back_at.release, "digest": files.digest()}
    return Shown("rehearsed", document, [(told, "bold green"), ("Nothing was pushed to your remote.", "")])


def _differences(before: Side, after: Side) -> Iterator[Finding]:
    """Yield every file that is not the same in both, except the record."""
    branch = branch_of(before.endpoint.environment)
    for path in sorted({*before.tree, *after.tree} - {FILE}):
        if before.tree.get(path) != after.tree.get(path):
            fix = f"see how it came to {branch}: git log origin/{branch} -- '{path}'"
            yield Finding(path, None, "not-restored", "differs after the rollback, or is gone", fix)
