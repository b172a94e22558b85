"""The verdict on a draft: whose approvals count, what an emergency skips, what is due, and what refuses it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from basics.errors import NotYet, PromotionError
from promotion.changes.draft import Draft
from promotion.gates import refusals
from promotion.gates.approvals import counted_approvals
from promotion.gates.emergency import emergency_of
from promotion.gates.policy_gate import PolicyGate
from promotion.record.release import Emergency


@dataclass(frozen=True)
class Verdict:
    """What the gates that need no run say; `due` are the pipelines that a smoke test must prove first."""

    approved_by: tuple[str, ...]  # only approvals that count
    emergency: Emergency | None
    due: tuple[str, ...]
    refusals: tuple[PromotionError, ...]


def judge(draft: Draft, approved: Iterable[str] = ()) -> Verdict:
    """Return the verdict on `draft`; see `make_plan` for `approved`."""
    request, asked = draft.request, draft.request.options.emergency
    policy = PolicyGate(draft, counted_approvals(draft, approved))
    unproven = {name: draft.keys[name] for name in draft.unproven} if "smoke" in asked else {}
    refused = sorted(_refusals(draft, policy), key=lambda refusal: isinstance(refusal, NotYet))
    return Verdict(
        approved_by=policy.approved_by,
        emergency=emergency_of(asked, policy.refusing(), request.smoke, unproven) if asked else None,
        due=() if unproven else draft.unproven,
        refusals=tuple(refused),
    )


def _refusals(draft: Draft, policy: PolicyGate) -> Iterator[PromotionError]:
    """Yield the refusals, those of the policy first."""
    request, options = draft.request, draft.request.options
    yield from policy.refusals()
    yield from refusals.no_text(draft.project.pipelines)
    if request.is_promotion and not options.release_hold:
        yield from refusals.on_hold(draft.held)
        yield from refusals.failed_in_source(draft)
    if not options.verify_dependants:
        yield from refusals.shared_file(draft)
    if "static" in request.gates:
        yield from refusals.static_gate(draft)
    elif request.is_promotion:
        yield from refusals.untold_files(draft)
