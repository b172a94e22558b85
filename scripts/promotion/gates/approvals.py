"""Approvals: what exactly somebody agrees to, and whose agreement counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

from promotion.changes.draft import Draft
from promotion.configuration.policy import email
from promotion.record.evidence_branch import EvidenceBranch
from promotion.repository.git import Repository


def draft_digest(draft: Draft) -> str:
    """Return the digest of what somebody agrees to: what the target becomes, after what, and what is skipped.

    Not the clock, not who asks and not what was proven before: the same draft has the same digest anywhere.
    """
    request, options = draft.request, draft.request.options
    becomes = [request.environment.name, draft.number, request.target.endpoint.commit, draft.tree.digest()]
    overrides = [sorted(options.emergency), options.release_hold, options.verify_dependants]
    return f"sha256:{hashlib.sha256(json.dumps([becomes, overrides]).encode()).hexdigest()}"


def counted_approvals(draft: Draft, approved: Iterable[str]) -> tuple[str, ...]:
    """Return whose approvals of those who `approved` count: who may approve and does not promote, each once."""
    request, policy = draft.request, draft.request.environment.policy
    if not policy.approvals:
        return ()
    others = {email(identity): identity for identity in approved}
    others.pop(email(request.by or ""), None)
    return tuple(sorted(identity for identity in others.values() if identity in policy.approvers))


def who_approved(branch: EvidenceBranch, digest: str, *, signed: bool) -> Iterator[str]:
    """Yield who approved the draft with `digest`: the author of the commit that brought the entry, if both agree.

    The text of an entry alone says nothing: whoever may write the branch can write every name.
    """
    standing = set(branch.record().approvals)
    for commit, approval in branch.approvals_brought(digest):
        if approval in standing:
            standing.remove(approval)  # what brought it last decides
            if _is_by(branch.repository, commit, approval.by, signed=signed):
                yield approval.by


def _is_by(repository: Repository, commit: str, identity: str, *, signed: bool) -> bool:
    if email(repository.author(commit)) != email(identity):
        return False
    # Who may sign could still write somebody else's name above it.
    return not signed or email(repository.signer(commit) or "") == email(identity)
