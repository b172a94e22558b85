"""`promote.py apply FILE`: carry out exactly the plan that a file holds, without a question."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from basics import progress
from promotion.commands.carry_out import CarryOut
from promotion.commands.promote import plan_promotion
from promotion.planning.plan import Plan
from promotion.releasing.plan_file import PlannedPromotion, read_plan_file
from promotion.repository.git import Repository
from promotion.showing.result import Result, Shown


def apply_plan(repository: Repository, file: Path, *, pr: bool) -> Iterator[Result]:
    """Release what the plan in `file` says; raise `Conflict` when the plan would be another one now.

    With `pr` the release goes to a branch for a pull request.
    """
    planned = read_plan_file(file)
    with progress.step(f"read {planned.source} and {planned.target}"):
        plan = _plan(planned, repository)
    if release := planned.released(plan):
        told = f"Nothing to do: already released as {release.environment} {release.number}"
        document = {"environment": release.environment, "number": release.number}
        yield Shown("released", document, [(told, "green")])
        return
    planned.refuse_if_stale(plan)
    step = CarryOut(lambda: plan_of_today(planned, repository), repository, "yes", pr=pr)
    yield from step.decide(plan)


def plan_of_today(planned: PlannedPromotion, repository: Repository) -> Plan:
    """Compute the plan again; raise `Conflict` when it differs from the file."""
    plan = _plan(planned, repository)
    planned.refuse_if_stale(plan)
    return plan


def _plan(planned: PlannedPromotion, repository: Repository) -> Plan:
    return plan_promotion(repository, planned.source, planned.target, planned.options)
