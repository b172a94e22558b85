"""`promote.py approve FILE`: a person agrees to exactly the plan that a file holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from basics import progress
from basics.errors import UsageError
from promotion.commands.apply_plan import plan_of_today
from promotion.configuration.policy import email
from promotion.gates.approvals import draft_digest, who_approved
from promotion.gates.policy_gate import PolicyGate
from promotion.planning.plan import Plan
from promotion.record.evidence_branch import EvidenceBranch
from promotion.record.evidence_record import Approval
from promotion.releasing.plan_file import read_plan_file
from promotion.repository.git import Repository
from promotion.showing.plan import ShownPlan
from promotion.showing.result import Result, Shown


def approve(repository: Repository, file: Path) -> Iterator[Result]:
    """Record the approval of the plan in `file`; raise `Conflict` when the plan is stale."""
    planned = read_plan_file(file)
    with progress.step(f"read {planned.source} and {planned.target}"):
        plan = plan_of_today(planned, repository)
    identity, branch = repository.identity(), EvidenceBranch(repository, planned.target)
    _refuse(plan, identity)
    yield ShownPlan(plan)
    digest, name = draft_digest(plan.draft), planned.target
    approved = who_approved(branch, digest, signed=plan.request.environment.policy.signed)
    if email(identity) in map(email, approved):
        told = f"Nothing to do: {identity} approved this already"
    else:
        with progress.step(f"push the approval to {branch.name}"):
            approval = Approval(digest, plan.draft.number, identity, datetime.now(UTC))
            branch.add_approval(approval, plan.draft.subjects)
        told = f"Approved {name} {plan.draft.number} as {identity}; it counts when somebody else promotes"
    document = {"environment": name, "number": plan.draft.number, "plan": digest, "by": identity}
    yield Shown("approved", document, [(told, "green")])


def _refuse(plan: Plan, identity: str) -> None:
    environment = plan.request.environment
    if not environment.policy.approvals:
        fix = f"`approvals: 1` in environments/{environment.name}/policy.yaml on main asks for one"
        raise UsageError("no-approvals", f"{environment.name} asks for no approvals", fix=fix)
    for refusal in PolicyGate(plan.draft).approver_refusals(identity):
        raise refusal
