"""A plan: a draft with its verdict; exactly what apply executes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from promotion.changes.draft import Draft
from promotion.changes.request import Request
from promotion.planning.verdict import Verdict, judge


@dataclass(frozen=True)
class Plan:
    """Everything that a promotion would do, and everything that refuses it."""

    draft: Draft
    verdict: Verdict

    @property
    def request(self) -> Request:
        """The request of the draft."""
        return self.draft.request

    def same_changes(self, later: Plan) -> bool:
        """Tell whether `later`, made after a lost race, has the same changes and needs no other smoke tests."""
        before, now = self.draft, later.draft
        return (
            (before.pipelines, before.files, before.schedules) == (now.pipelines, now.files, now.schedules)
            and before.configuration[:2] == now.configuration[:2]
            and before.platform.after == now.platform.after
            and self.verdict.emergency == later.verdict.emergency
            and all(name in self.verdict.due and before.keys[name] == now.keys[name] for name in later.verdict.due)
        )


def make_plan(draft: Draft, approved: Iterable[str] = ()) -> Plan:
    """Return `draft` with its verdict; `approved` are all who did, read only if the policy requires approvals."""
    return Plan(draft, judge(draft, approved))
