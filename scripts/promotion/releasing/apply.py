"""Carry out a plan: prove it, record it, move a branch by compare-and-swap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from basics import progress
from basics.errors import Conflict
from promotion.changes.backfills import backfills_after
from promotion.gates.static_gate import remember_passed
from promotion.planning.plan import Plan
from promotion.record.release import FILE, Evidence, Release, Released, branch_of, image_tag, remember
from promotion.releasing.allow_list import refuse_other_paths
from promotion.repository.git import Repository
from promotion.repository.tree import Tree

_ATTEMPTS = 5  # lost races in a row, each against somebody who changed nothing of ours


# Pushes a release, given the commit of the one before it; raises `Conflict` where that is no longer the last one.
Push = Callable[[Release, str | None], None]


def apply(plan: Plan, replan: Callable[[], Plan], repository: Repository) -> Release:
    """Release what `plan` says to the environment's branch; raise what `carry_out_plan` raises."""

    def push(release: Release, before: str | None) -> None:
        branch = branch_of(release.environment)
        with progress.step(f"push release {release.number} to {branch}"):
            repository.push(branch, release.commit, before)

    return carry_out_plan(plan, replan, push, repository)[1]


def carry_out_plan(
    plan: Plan, replan: Callable[[], Plan], push: Push, repository: Repository
) -> tuple[Plan, Release]:
    """Make the release that `plan` says and `push` it; nothing is written before every gate said yes.

    `replan` computes the plan again on a fetched repository: a lost race is tried again when the plan still
    makes the same changes, and refused as `Conflict` when it does not. Returns the plan that was carried out in
    the end. Raises what the gates raise.
    """
    identity = repository.identity()  # asked before minutes of smoke tests, not after
    proofs = _prove(plan)
    branch = branch_of(plan.request.environment.name)
    for _ in range(_ATTEMPTS):
        before = plan.request.target.endpoint.commit
        release = _record(plan, proofs, identity)
        release = replace(release, commit=_commit(plan, release, repository))
        refuse_other_paths(repository.tree(release.commit), release.environment)
        try:
            push(release, before)
        except Conflict:
            if repository.head(branch) == before:
                raise  # it is not the environment that moved
            plan = _same_plan(plan, replan())
        else:
            _remember(plan, release, repository)
            return plan, release
    raise Conflict("lost-race", f"{branch} keeps moving", fix="run the command again")


def _remember(plan: Plan, release: Release, repository: Repository) -> None:
    """Keep for the next plan what was found out of the target as it is now."""
    remember(repository, release)
    plan.project.remember(release.environment)
    if "static" in release.gates:
        remember_passed(repository.memory, release.commit)


def _prove(plan: Plan) -> Mapping[str, Evidence]:
    """Run the gates that are due and return the evidence that they brought."""
    if "static" in plan.request.gates:
        from promotion.gates.mage_gate import refuse_what_mage_cannot_load

        refuse_what_mage_cannot_load(plan)
    if not plan.due:
        return {}
    from promotion.smoke.smoke_gate import smoke  # brings the database driver, which only this gate needs

    return smoke(plan)


def _same_plan(plan: Plan, later: Plan) -> Plan:
    if plan.same_changes(later) and not later.refusals:
        return later
    raise Conflict(
        "stale-plan",
        f"{plan.request.target.endpoint.environment} got another release meanwhile, and the plan is another on it",
        fix="run the command again and read the new plan",
    )


def _record(plan: Plan, proofs: Mapping[str, Evidence], identity: str) -> Release:
    request = plan.request
    current = request.target.current
    now = datetime.now(UTC).replace(microsecond=0)  # as it is written
    skipped = plan.emergency.skipped if plan.emergency else ()
    pipelines = {}
    for name in plan.project.pipelines:
        digest = plan.project.digest(name)
        known = current.pipelines.get(name) if current else None
        kept = known and known.digest == digest
        pipelines[name] = known if known and kept else Released(digest, request.source.endpoint, plan.number)
    return Release(
        number=plan.number,
        environment=request.environment.name,
        action=request.action,
        source=request.source.endpoint,
        pipelines=pipelines,
        platform=plan.platform.after,
        configuration=plan.configuration.after,
        configuration_commit=request.configuration.endpoint.commit or "",
        image=image_tag(plan.tree),
        smoke={**plan.evidence, **_signed(plan, proofs, identity)},
        gates=tuple(gate for gate in request.gates if gate not in skipped),
        by=identity,
        at=now,
        reason=request.options.reason,
        holds=plan.holds,
        emergency=plan.emergency,
        approved_by=plan.approved_by,
        renamed={change.name: change.renamed_from for change in plan.pipelines if change.renamed_from},
        backfills=backfills_after(plan, now.date()),
    )


def _signed(plan: Plan, proofs: Mapping[str, Evidence], identity: str) -> Mapping[str, Evidence]:
    return {name: replace(proofs[name], release=plan.number, by=identity) for name in plan.due}


def _commit(plan: Plan, release: Release, repository: Repository) -> str:
    record = Tree({FILE: repository.write_blob(release.to_yaml().encode())}, repository)
    tree = plan.tree.overlaid_with(record)
    return repository.commit(tree, plan.request.target.endpoint.commit, _message(plan, release), release.at)


def title(plan: Plan, release: Release) -> str:
    """Return what `release` is, in a line."""
    names = plan.subjects
    what = ", ".join(names) if len(names) <= 2 else f"{len(names)} pipelines"
    verb = "Roll back" if release.action == "rollback" else "Release"
    return f"{verb} {release.number} of {release.environment}: {what} from {release.source}"


def _message(plan: Plan, release: Release) -> str:
    lines = [title(plan, release), ""]
    if release.reason:
        lines += [release.reason, ""]
    lines += [f"Promotion-{change.action.capitalize()}: {change.name}" for change in plan.pipelines]
    if release.emergency:
        lines.append(f"Promotion-Skipped: {', '.join(release.emergency.skipped)}")
    lines += [f"Approved-By: {identity}" for identity in release.approved_by]
    lines += [
        f"Promotion-Source: {release.source.environment}@{release.source.commit}",
        f"Promotion-Target: {release.environment} release {release.number}",
        f"Promoted-By: {release.by}",
    ]
    return "\n".join(lines) + "\n"
