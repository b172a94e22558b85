"""What promotion, rollback and `apply` have in common: show the plan, ask, carry it out, show the release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from basics import progress
from promotion.commands.question import CHANGES_PLANNED, ask, refuse_without_terminal
from promotion.planning.plan import Plan
from promotion.releasing.apply import apply
from promotion.releasing.pull_request import propose
from promotion.repository.git import Repository
from promotion.showing.plan import ShownPlan
from promotion.showing.pull_request import shown_pull_request
from promotion.showing.release import shown_release
from promotion.showing.result import Result


@dataclass(frozen=True)
class CarryOut:
    """What to do with a plan: show it (`mode` is plan), ask (ask), or carry it out (yes).

    `make_plan` fetches, and is called again if the target moved meanwhile. `keep` may write the plan to a file.
    With `pr` the release goes to a branch for a pull request.
    """

    make_plan: Callable[[], Plan]
    repository: Repository
    mode: str
    pr: bool = False
    keep: Callable[[Plan], None] = lambda plan: None

    def read(self, what: str) -> Iterator[Result]:
        """Compute the plan, which reads `what`, and do with it what `mode` says."""
        with progress.step(f"read {what}"):
            plan = self.make_plan()
        refuse_without_terminal(self.mode)
        yield from self.decide(plan)

    def decide(self, plan: Plan) -> Iterator[Result]:
        """Show `plan`, and do with it what `mode` says."""
        has_changes = not plan.draft.is_empty
        yield ShownPlan(plan, exit_code=CHANGES_PLANNED if has_changes and self.mode == "plan" else 0)
        self.keep(plan)
        if not has_changes:
            return
        for refusal in plan.verdict.refusals:
            raise refusal
        if self.mode == "plan":
            return
        question = f"{'Propose' if self.pr else 'Release'} this to {plan.request.environment.name}?"
        ask(self.mode, question, "nothing was released")
        if self.pr:
            yield shown_pull_request(propose(plan, self.make_plan, self.repository))
        else:
            yield shown_release(apply(plan, self.make_plan, self.repository))
