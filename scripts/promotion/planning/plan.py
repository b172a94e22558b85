"""A plan: a draft with its verdict; exactly what apply executes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from promotion.changes.draft import Draft
from promotion.changes.request import Request
from promotion.planning.verdict import Verdict, judge


@dataclass(frozen=True)
class Plan:
    """Everything that a promotion would do, and everything that stands in its way."""

    draft: Draft
    verdict: Verdict

    @property
    def request(self) -> Request:
        """What was asked for."""
        return self.draft.request

    def same_changes(self, later: Plan) -> bool:
        """Whether `later`, computed after the target moved, changes the same and asks for no other proof."""
        before, now = self.draft, later.draft
        return (
            (before.pipelines, before.files, before.schedules) == (now.pipelines, now.files, now.schedules)
            and before.configuration[:2] == now.configuration[:2]
            and before.platform.after == now.platform.after
            and self.verdict.emergency == later.verdict.emergency
            and all(name in self.verdict.due and before.keys[name] == now.keys[name] for name in later.verdict.due)
        )


def make_plan(draft: Draft, approved: Iterable[str] = ()) -> Plan:
    """Return `draft` with its verdict; `approved` are all who did, read only where the policy asks for some."""
    return Plan(draft, judge(draft, approved))
