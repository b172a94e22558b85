"""What the target's policy says to a plan: everything that it has against it, not only the first thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from promotion.errors import PolicyRefused
from promotion.freeze import freeze_at
from promotion.soak import still_soaking

if TYPE_CHECKING:
    from promotion.plan import Plan


def policy_refusals(plan: Plan) -> Iterator[PolicyRefused]:
    """Yield what the policy refuses and no emergency skips.

    A rollback answers for who makes it, and in a freeze for what is new.
    """
    yield from _promoter(plan)
    yield from _signature(plan)
    if plan.request.action == "promotion":
        yield from _standing_holds(plan)
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


def _standing_holds(plan: Plan) -> Iterator[PolicyRefused]:
    """What somebody decided on `main` stays until somebody decides otherwise there."""
    moved = {change.name for change in plan.pipelines}
    policy = plan.request.environment.policy
    held = [hold for hold in policy.holds if hold.pipeline is None or hold.pipeline in moved]
    if held:
        told = (f"{hold.pipeline or 'all of it'} ({hold.reason})" for hold in held)
        yield PolicyRefused(
            "standing-hold",
            f"on hold in {plan.request.environment.name}: {', '.join(told)}",
            fix=f"leave it out, or remove the entry of `holds` from {_file(plan)} on main",
        )


def _soak(plan: Plan) -> Iterator[PolicyRefused]:
    """What goes on has shown in the source environment that it runs."""
    soaking = list(still_soaking(plan)) if plan.request.action == "promotion" else []
    if soaking:
        waits = all(soak.over for soak in soaking)
        then = "run the command again then" if waits else "promote what it runs with there too, and let it soak"
        hours, place = plan.request.environment.policy.soak, plan.request.source.endpoint.environment
        yield PolicyRefused(
            "soaking",
            f"not yet {hours:g} hours in {place}: {', '.join(map(str, soaking))}",
            fix=f"{then}, or {_override('soak')}",
        )


def _freeze(plan: Plan) -> Iterator[PolicyRefused]:
    """Nothing new comes while the environment is frozen."""
    freeze = freeze_at(plan.request.environment.policy.freezes, plan.request.now)
    if freeze and (plan.request.action == "promotion" or not _known_here(plan)):
        yield PolicyRefused(
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


_SKIPPABLE: Mapping[str, Callable[[Plan], Iterator[PolicyRefused]]] = {"soak": _soak, "freeze": _freeze}
