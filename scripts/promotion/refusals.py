"""What stands in the way of a plan, each with the ways out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from promotion.changes import PipelineChange
from promotion.environment import Environment
from promotion.errors import Conflict, Finding, GateRefused, PolicyRefused, UsageError
from promotion.release import Hold


def refuse_wrong_source(source: str, environment: Environment) -> None:
    """The target's policy names the one place that it takes releases from."""
    allowed = environment.policy.source
    if source != allowed:
        raise PolicyRefused(
            "wrong-source",
            f"{environment.name} accepts promotions from {allowed} only",
            fix=f"scripts/promote.py {allowed} {environment.name}",
        )


def unknown_pipeline(place: str, name: str, known: Collection[str]) -> UsageError:
    """Return the refusal of a name that nobody has."""
    fix = f"one of {', '.join(sorted(known)) or 'none'}"
    return UsageError("unknown-pipeline", f"{place} has no pipeline {name!r}", fix=fix)


def on_hold(held: Sequence[Hold]) -> Iterator[PolicyRefused]:
    """What was rolled back does not come back by itself."""
    if held:
        told = (f"{hold.pipeline} {hold.digest[7:15]} (release {hold.release}: {hold.reason})" for hold in held)
        yield PolicyRefused(
            "on-hold",
            f"rolled back, and on hold since: {', '.join(told)}",
            fix="promote a newer version, or add --release-hold --reason TEXT",
        )


def shared_file(command: str, selected: Sequence[str], changes: Sequence[PipelineChange]) -> Iterator[Conflict]:
    """An environment has one version of a file: a shared one moves for every pipeline that uses it.

    `command` is what the person typed, without its selection.
    """
    affected = [change for change in changes if change.action == "affected"]
    if not affected:
        return
    chosen = " ".join(f"-p {name}" for name in selected)
    include = " ".join(f"-p {change.name}" for change in affected)
    yield Conflict(
        "shared-file",
        "; ".join(f"{change.name} is not selected and would change: it {change.reason}" for change in affected),
        fix=(
            f"one of\n"
            f"  include them:            {command} {chosen} {include}\n"
            f"  prove them as they are:  {command} {chosen} --verify-dependants\n"
            f"  separate them:           give {selected[0]} a copy of the file under a name of its own"
        ),
    )


def static_gate(findings: Sequence[Finding]) -> Iterator[GateRefused]:
    """The composed tree is wrong in places that no run is needed to see."""
    if findings:
        count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
        yield GateRefused("static-gate", f"the static gate has {count}", fix="fix each", findings=findings)
