"""Approvals: what exactly an approver agrees to, and whose approvals count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

from promotion.changes.draft import Draft
from promotion.configuration.policy import email
from promotion.record.evidence_branch import EvidenceBranch
from promotion.repository.git import Repository


def draft_digest(draft: Draft) -> str:
    """Return the digest of what an approver agrees to: the next tree, the release before it, and what is skipped.

    It does not depend on the time, the promoter or earlier evidence: the same draft has the same digest anywhere.
    """
    request, options = draft.request, draft.request.options
    becomes = [request.environment.name, draft.number, request.target.endpoint.commit, draft.tree.digest()]
    overrides = [sorted(options.emergency), options.release_hold, options.verify_dependants]
    return f"sha256:{hashlib.sha256(json.dumps([becomes, overrides]).encode()).hexdigest()}"


def counted_approvals(draft: Draft, approved: Iterable[str]) -> tuple[str, ...]:
    """Return those of `approved` whose approvals count: approvers other than the promoter, each once."""
    request, policy = draft.request, draft.request.environment.policy
    if not policy.approvals:
        return ()
    others = {email(identity): identity for identity in approved}
    others.pop(email(request.by or ""), None)
    return tuple(sorted(identity for identity in others.values() if identity in policy.approvers))


def who_approved(branch: EvidenceBranch, digest: str, *, signed: bool) -> Iterator[str]:
    """Yield who approved the draft with `digest`: the person in an entry who also wrote the commit that added it.

    The entry alone proves nothing: everybody who may write to the branch can write any name.
    """
    standing = set(branch.record().approvals)
    for commit, approval in branch.approvals_brought(digest):
        if approval in standing:
            standing.remove(approval)  # the newest commit that added it decides
            if _is_by(branch.repository, commit, approval.by, signed=signed):
                yield approval.by


def _is_by(repository: Repository, commit: str, identity: str, *, signed: bool) -> bool:
    if email(repository.author(commit)) != email(identity):
        return False
    # A person with a valid key could still enter another person as the author.
    return not signed or email(repository.signer(commit) or "") == email(identity)
