"""Approvals: what exactly somebody agrees to, and whose agreement counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from promotion.configuration.policy import email
from promotion.record.evidence_branch import approvals_brought, read_record
from promotion.repository.git import Repository

if TYPE_CHECKING:
    from promotion.planning.plan import Plan


def plan_digest(plan: Plan) -> str:
    """Return the digest of what somebody agrees to: what the target becomes, after what, and what is skipped.

    Not the clock, not who asks and not what was proven before: the same plan has the same digest anywhere.
    """
    request, options = plan.request, plan.request.options
    becomes = [request.environment.name, plan.number, request.target.endpoint.commit, plan.tree.digest()]
    overrides = [sorted(options.emergency), options.release_hold, options.verify_dependants]
    return f"sha256:{hashlib.sha256(json.dumps([becomes, overrides]).encode()).hexdigest()}"


def counted_approvals(plan: Plan) -> tuple[str, ...]:
    """Return whose approvals count: of those who may approve, without who promotes, everybody once."""
    request, policy = plan.request, plan.request.environment.policy
    if not policy.approvals:
        return ()
    others = {email(identity): identity for identity in request.approved(plan_digest(plan))}
    others.pop(email(request.by or ""), None)
    return tuple(sorted(identity for identity in others.values() if identity in policy.approvers))


def who_approved(repository: Repository, environment: str, digest: str, *, signed: bool) -> Iterator[str]:
    """Yield who approved the plan with `digest`: the author of the commit that brought the entry, if it names him.

    The text of an entry alone says nothing: whoever may write the branch can write every name.
    """
    standing = set(read_record(repository, environment).approvals)
    for commit, approval in approvals_brought(repository, environment, digest):
        if approval in standing:
            standing.remove(approval)  # what brought it last decides
            if _is_by(repository, commit, approval.by, signed=signed):
                yield approval.by


def _is_by(repository: Repository, commit: str, identity: str, *, signed: bool) -> bool:
    if email(repository.author(commit)) != email(identity):
        return False
    # Who may sign could still write somebody else's name above it.
    return not signed or email(repository.signer(commit) or "") == email(identity)
