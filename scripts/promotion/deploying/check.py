"""Whether an installed release works: what runs is of it, and `helm test` passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from basics import progress
from basics.process import CommandError
from mage_pod.waiting import NotInTime, until
from promotion.cluster.revisions import Revision, revisions
from promotion.cluster.running import differences
from promotion.cluster.state import read_state
from promotion.cluster.target import Target
from promotion.deploying.helm import NotUp, run_helm
from promotion.deploying.plan import Plan

_MINUTES = 10  # for each pod of `helm test`
_SETTLED_SECONDS = 60
_FAILED, _PASSED = "FAILED ", "ok "  # how a line of the chart's test begins


@dataclass(frozen=True)
class Running:
    """A release that works: the revision of Helm, and what `helm test` found in order."""

    environment: str
    release: int
    revision: int
    checks: Sequence[str]


def check(plan: Plan) -> Running:
    """Return what runs; raise `NotUp` with the first thing that is not as `plan` wants it."""
    target = plan.target
    with progress.step("compare what runs with the release"):
        compare(target, plan.wanted)
    with progress.step("helm test"):
        checks = _test(target)
    return Running(target.environment, plan.release.number, next(revisions(target)).number, checks)


def compare(target: Target, wanted: Revision) -> None:
    """Wait until what runs is what was installed: an old pod may still be on its way out. Raises `NotUp`."""
    try:
        until(
            lambda: list(differences(read_state(target.cluster, target.selector), wanted.objects)),
            "what runs as it was installed",
            _SETTLED_SECONDS,
            enough=lambda found: not found,
            retry=CommandError,
            pause=1,
        )
    except NotInTime as late:
        raise NotUp(late.seen[0] if isinstance(late.seen, list) else str(late.seen)) from None


def _test(target: Target) -> list[str]:
    """Return the checks of `helm test`, which passed."""
    try:
        said = run_helm(target, "test", target.release, "--logs", f"--timeout={_MINUTES}m")
    except NotUp as problem:
        failed = [line for line in problem.said.splitlines() if line.startswith(_FAILED)]
        raise NotUp(f"helm test: {failed[0] if failed else problem}") from None
    return [line.removeprefix(_PASSED).strip() for line in said.splitlines() if line.startswith(_PASSED)]
