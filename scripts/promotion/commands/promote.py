"""`promote.py SRC DST`: plan, ask, apply."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from basics import progress
from basics.errors import NotYet, PolicyRefused, UsageError
from promotion.changes.draft import make_draft
from promotion.changes.request import Request
from promotion.changes.sides import (
    HEAD,
    Side,
    environment_side,
    main_side,
    refuse_local_changes,
    source_side,
)
from promotion.changes.unmerged import merged_side
from promotion.commands.carry_out import CarryOut
from promotion.commands.watch import refuse_unwatched, watch
from promotion.configuration.environment import load_environment
from promotion.configuration.people import promoter
from promotion.gates.approvals import draft_digest, who_approved
from promotion.layout import ENVIRONMENTS
from promotion.options import Options
from promotion.planning.plan import Plan, make_plan
from promotion.record.evidence_branch import EvidenceBranch
from promotion.releasing.plan_file import write_plan_file
from promotion.repository.git import MAIN, Repository
from promotion.showing.result import Result


def promote(
    repository: Repository,
    source: str,
    target: str,
    options: Options,
    *,
    mode: str,
    plan_file: Path | None = None,
    pr: bool = False,
    then_watch: bool = False,
) -> Iterator[Result]:
    """Promote from `source` to `target`; `mode` is ask, plan or yes.

    With `pr` the release goes to a branch for a pull request. With `then_watch` the release is watched.
    A plan is kept in `plan_file` for `promote.py apply` and `approve`, unless it is refused for good.
    """
    if plan_file and mode != "plan":
        raise UsageError("usage", "-o keeps a plan instead of applying it", fix="add --plan, or leave -o out")
    if source == HEAD and (mode != "plan" or plan_file):
        problem = "HEAD may not be on the remote: what its merge would do can only be looked at"
        raise UsageError("usage", problem, fix="add --plan, without -o; or merge it, and name main")
    if options.release_hold and not options.reason:
        raise UsageError("no-reason", "--release-hold overrides an earlier decision", fix="say why: --reason TEXT")
    if options.emergency and not options.reason:
        raise UsageError("no-reason", "an emergency needs a reason for the ratification", fix="add --reason TEXT")
    if then_watch and (mode == "plan" or pr):
        problem = "--watch watches a release, and there is none yet"
        raise UsageError("usage", problem, fix=f"leave --watch out; later: scripts/promote.py watch {target}")

    def plan() -> Plan:
        planned = plan_promotion(repository, source, target, options)
        if then_watch:
            refuse_unwatched(planned.request.environment)
        return planned

    step = CarryOut(
        plan,
        repository,
        mode,
        pr=pr,
        keep=lambda plan: _keep(plan, plan_file),
    )
    yield from step.read(f"{source} and {target}")
    if then_watch:
        yield from watch(repository, target, None, None, mode=mode)


def _keep(plan: Plan, plan_file: Path | None) -> None:
    if plan_file is None:
        return
    if all(isinstance(refusal, NotYet) for refusal in plan.verdict.refusals):
        write_plan_file(plan, plan_file)
        progress.say(f"✓ kept in {plan_file}, for scripts/promote.py apply {shlex.quote(str(plan_file))}", "green")
    else:  # an older plan may be there
        progress.say(f"{plan_file} was not written: this plan cannot be applied, even later", "yellow")


def plan_promotion(
    repository: Repository, source: str, target: str, options: Options, now: datetime | None = None
) -> Plan:
    """Fetch and compute the plan of a promotion from `source` to `target` at the moment `now`."""
    repository.fetch()
    main = _main_side(repository, source)
    environment = load_environment(main.tree, target)
    taken_from = source_side(repository, source, main, environment)
    refuse_local_changes(repository, source, target)
    side, branch = environment_side(repository, target), EvidenceBranch(repository, target)
    record, of_source = branch.record(), EvidenceBranch(repository, source).record()
    draft = make_draft(
        Request(
            action="promotion",
            source=taken_from,
            target=side,
            configuration=main,
            environment=environment,
            options=options,
            holds=side.current.holds if side.current else (),
            now=now or datetime.now(UTC),
            remote=repository.remote,
            by=promoter(repository, environment.policy),
            signing=repository.signs(),
            proven=tuple(record.smoke.values()),
            runs=of_source.runs if environment.policy.runs else {},
            failed=of_source.failed,
            closed=record.closed,
        )
    )
    approved = who_approved(branch, draft_digest(draft), signed=environment.policy.signed)
    return make_plan(draft, approved)


def plan_trial(repository: Repository, source: str, target: str, options: Options) -> Plan:
    """Compute the plan of a promotion that is only tried, which no policy and no shared file keeps from it."""
    plan = plan_promotion(repository, source, target, replace(options, verify_dependants=True))
    for refusal in plan.verdict.refusals:
        if not isinstance(refusal, PolicyRefused):
            raise refusal
    return plan


def _main_side(repository: Repository, source: str) -> Side:
    if source == HEAD:
        return merged_side(repository)
    # When `main` is not the source, only its configuration counts.
    return main_side(repository, *(() if source == MAIN else (ENVIRONMENTS,)))
