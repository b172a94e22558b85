"""What promotion and rollback have in common: show the plan, ask, apply, show the release."""

from __future__ import annotations

import sys
from collections.abc import Callable

from basics import progress
from basics.errors import Declined, UsageError
from promotion.planning.plan import Plan
from promotion.releasing.apply import apply
from promotion.releasing.pull_request import propose
from promotion.repository.git import Repository
from promotion.showing.report import Report

CHANGES_PLANNED = 2


def carry_out(
    make_plan: Callable[[], Plan],
    repository: Repository,
    *,
    reading: str,
    mode: str,
    report: Report,
    keep: Callable[[Plan], None] = lambda plan: None,
    pr: bool = False,
) -> int:
    """Show the plan that `make_plan` computes and, unless `mode` is plan, carry it out; yes does not ask.

    `make_plan` fetches, and is called again where the target moved meanwhile; `reading` names what it reads.
    `keep` writes the plan to where it is wanted besides. With `pr` the release goes to a branch for a pull
    request. Returns the exit code.
    """
    with progress.step(f"read {reading}"):
        plan = make_plan()
    if mode == "ask" and not (sys.stdin and sys.stdin.isatty()):
        raise UsageError(
            "no-terminal", "there is no terminal to ask at", fix="add --yes to apply, or --plan to look only"
        )
    return decide(plan, make_plan, repository, mode=mode, report=report, keep=keep, pr=pr)


def decide(
    plan: Plan,
    make_plan: Callable[[], Plan],
    repository: Repository,
    *,
    mode: str,
    report: Report,
    keep: Callable[[Plan], None] = lambda plan: None,
    pr: bool = False,
) -> int:
    """Do with `plan` what `carry_out` says."""
    report.plan(plan)
    keep(plan)
    if plan.is_empty:
        return 0
    if plan.refusals:
        raise plan.refusals[0]
    if mode == "plan":
        return CHANGES_PLANNED
    question = f"{'Propose' if pr else 'Release'} this to {plan.request.environment.name}?"
    if mode == "ask" and not _agreed(question):
        raise Declined("declined", "nothing was released", fix="answer yes, or add --yes")
    if pr:
        report.pull_request(propose(plan, make_plan, repository))
    else:
        report.release(apply(plan, make_plan, repository))
    return 0


def _agreed(question: str) -> bool:
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
