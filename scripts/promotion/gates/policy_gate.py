"""What the target's policy says to a plan: everything that it has against it, not only the first thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from basics.errors import NotYet, PolicyRefused
from promotion.configuration.freeze import freeze_at
from promotion.configuration.policy import EVERYBODY, People
from promotion.gates.observed_runs import too_few_runs
from promotion.gates.refusals import near
from promotion.gates.soak import still_soaking
from promotion.pipelines.project import FOLDER

if TYPE_CHECKING:
    from promotion.planning.plan import Plan


def policy_refusals(plan: Plan) -> Iterator[PolicyRefused]:
    """Yield what the policy refuses and no emergency skips.

    A rollback answers for who makes it, and in a freeze for what is new.
    """
    yield from _promoter(plan)
    yield from _signature(plan)
    if plan.request.action == "promotion":
        yield from _standing_holds(plan)
        yield from _unknown_holds(plan)
    for name, check in _SKIPPABLE.items():
        if name not in plan.request.options.emergency:
            yield from check(plan)


def refusing(plan: Plan) -> set[str]:
    """Return the names of the checks that an emergency may skip and that refuse `plan`."""
    return {name for name, check in _SKIPPABLE.items() if any(check(plan))}


def _promoter(plan: Plan) -> Iterator[PolicyRefused]:
    """The policy lists who may release."""
    identity, promoters = plan.request.by, plan.request.environment.policy.promoters
    if identity is not None and identity not in promoters:
        yield PolicyRefused(
            "not-a-promoter",
            f"{identity} may not release to {plan.request.environment.name}: {promoters} may",
            fix=f"ask one of them, or add yourself to `promoters` in {_file(plan)} on main",
        )


def _signature(plan: Plan) -> Iterator[PolicyRefused]:
    """Better to hear before the smoke tests than after them that releases have to be signed."""
    if plan.request.environment.policy.signed and not plan.request.signing:
        yield PolicyRefused(
            "not-signing",
            f"releases of {plan.request.environment.name} are signed, and your git signs no commits",
            fix="git config user.signingkey … && git config commit.gpgsign true (gpg.format ssh for an SSH key)",
        )


def approver_refusals(plan: Plan, identity: str) -> Iterator[PolicyRefused]:
    """Yield what the policy has against an approval of `plan` by `identity`."""
    approvers, name = plan.request.environment.policy.approvers, plan.request.environment.name
    if identity not in approvers:
        yield PolicyRefused(
            "not-an-approver",
            f"{identity} may not approve what goes to {name}: {approvers} may",
            fix=f"ask one of them, or add yourself to `approvers` in {_file(plan)} on main",
        )
    yield from _signature(plan)


def _approvals(plan: Plan) -> Iterator[PolicyRefused]:
    """Enough others agree to the very plan; a rollback in the night waits for nobody."""
    request, policy = plan.request, plan.request.environment.policy
    if request.action == "promotion" and len(plan.approved_by) < policy.approvals and not plan.is_empty:
        yield NotYet(
            "not-approved",
            f"{request.environment.name} asks for approvals by others: {approvals(plan)}",
            fix=f"keep the plan (--plan -o plan.json), have {_another_of(policy.approvers)} type "
            f"scripts/promote.py approve plan.json, and apply it then, or {_override('approvals')}",
        )


def _another_of(people: People) -> str:
    return "somebody else" if people == EVERYBODY else f"another of {people}"


def approvals(plan: Plan) -> str:
    """Return how many approvals the plan has of those that it needs, and whose they are."""
    given = f": {', '.join(plan.approved_by)}" if plan.approved_by else ""
    return f"{len(plan.approved_by)} of {plan.request.environment.policy.approvals}{given}"


def _standing_holds(plan: Plan) -> Iterator[PolicyRefused]:
    """What somebody decided on `main` stays until somebody decides otherwise there."""
    names = {name: [c.name, c.renamed_from] for c in plan.pipelines for name in (c.name, c.renamed_from) if name}
    policy = plan.request.environment.policy
    held = [hold for hold in policy.holds if hold.pipeline is None or hold.pipeline in names]
    if held:
        told = (f"{hold.pipeline or 'all of it'} ({hold.reason})" for hold in held)
        leave = {name for hold in held for name in names.get(hold.pipeline or "", []) if name}
        exclude = " ".join(f"--exclude {name}" for name in sorted(leave))
        way_out = f"leave out what is held ({exclude}), or " if all(hold.pipeline for hold in held) else ""
        yield PolicyRefused(
            "standing-hold",
            f"on hold in {plan.request.environment.name}: {', '.join(told)}",
            fix=f"{way_out}remove the entry of `holds` from {_file(plan)} on main",
        )


def _unknown_holds(plan: Plan) -> Iterator[PolicyRefused]:
    """A name with a typing error would hold nothing, and nobody would know."""
    trees = (plan.request.source.tree, plan.request.target.tree)
    for hold in plan.request.environment.policy.holds:
        folder = f"{FOLDER}/pipelines/{hold.pipeline}"
        if hold.pipeline and not any(tree.has_folder(folder) for tree in trees):
            yield PolicyRefused(
                "unknown-hold",
                f"{_file(plan)} on main holds {hold.pipeline} ({hold.reason}), and there is no such pipeline",
                fix=f"{near(hold.pipeline, plan.project.pipelines)}; or remove the entry",
            )


def _soak(plan: Plan) -> Iterator[PolicyRefused]:
    """What goes on has shown in the source environment that it runs."""
    soaking = list(still_soaking(plan)) if plan.request.action == "promotion" else []
    if soaking:
        waits = all(soak.over for soak in soaking)
        then = "run the command again then" if waits else "promote what it runs with there too, and let it soak"
        hours, place = plan.request.environment.policy.soak, plan.request.source.endpoint.environment
        refusal = NotYet if waits else PolicyRefused
        yield refusal(
            "soaking",
            f"not yet {hours:g} hours in {place}: {', '.join(map(str, soaking))}",
            fix=f"{then}, or {_override('soak')}",
        )


def _runs(plan: Plan) -> Iterator[PolicyRefused]:
    """What goes on has done its work in the source environment, by its schedule, and did not fail since."""
    too_few = list(too_few_runs(plan)) if plan.request.action == "promotion" else []
    if too_few:
        waits = all(runs.is_there for runs in too_few)
        place, asked = plan.request.source.endpoint.environment, plan.request.environment.policy.runs
        again = f"once they have run: scripts/promote.py observe {place}"
        refusal = NotYet if waits else PolicyRefused
        yield refusal(
            "too-few-runs",
            f"not yet {asked} scheduled runs completed in {place}: {', '.join(map(str, too_few))}",
            fix=f"{again if waits else 'promote what it runs with there too'}, or {_override('runs')}",
        )


def _freeze(plan: Plan) -> Iterator[PolicyRefused]:
    """Nothing new comes while the environment is frozen."""
    freeze = freeze_at(plan.request.environment.policy.freezes, plan.request.now)
    if freeze and (plan.request.action == "promotion" or not _known_here(plan)):
        yield NotYet(
            "frozen",
            f"{plan.request.environment.name} is frozen {freeze}",
            fix=f"run the command again then, or {_override('freeze')}",
        )


def _override(check: str) -> str:
    return f"in an emergency add --emergency {check} --reason TEXT"


def _known_here(plan: Plan) -> bool:
    """Whether every version that the plan brings ran in the environment before, or was proven for it."""
    ran = {entry for release in plan.request.target.releases for entry in release.digests.items()}
    return all(
        change.after is None or (change.name, change.after) in ran or change.name in plan.evidence
        for change in plan.pipelines
    )


def _file(plan: Plan) -> str:
    return f"environments/{plan.request.environment.name}/policy.yaml"


_SKIPPABLE: Mapping[str, Callable[[Plan], Iterator[PolicyRefused]]] = {
    "soak": _soak,
    "runs": _runs,
    "freeze": _freeze,
    "approvals": _approvals,
}
