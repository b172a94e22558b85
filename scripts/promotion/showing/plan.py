"""A plan as the result of a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promotion.planning.document import plan_document
from promotion.planning.plan import Plan
from promotion.showing.plan_markdown import plan_markdown
from promotion.showing.plan_text import plan_lines
from promotion.showing.result import Lines


@dataclass(frozen=True)
class ShownPlan:
    """A plan to show; only the form that is asked for is made."""

    plan: Plan
    key: str = "plan"
    exit_code: int = 0

    @property
    def document(self) -> dict[str, Any]:
        """The plan for programs."""
        return plan_document(self.plan)

    @property
    def lines(self) -> Lines:
        """The plan for people."""
        return plan_lines(self.plan)

    @property
    def markdown(self) -> str:
        """The plan for a pull request or a ticket."""
        return plan_markdown(self.plan)
