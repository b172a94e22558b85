"""What promotion, rollback and `apply` have in common: show the plan, ask, carry it out, show the release."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from basics import progress
from basics.errors import Declined, UsageError
from promotion.planning.document import plan_document
from promotion.planning.plan import Plan
from promotion.releasing.apply import apply
from promotion.releasing.pull_request import propose
from promotion.repository.git import Repository
from promotion.showing.plan_markdown import plan_markdown
from promotion.showing.plan_text import plan_lines
from promotion.showing.pull_request import pull_request_document, pull_request_lines
from promotion.showing.release import release_document, release_lines
from promotion.showing.report import Report

CHANGES_PLANNED = 2


@dataclass(frozen=True)
class CarryOut:
    """Somebody's wish to see a plan (`mode` is plan), to be asked (ask), or to have it carried out (yes).

    `make_plan` fetches, and is called again where the target moved meanwhile. `keep` writes the plan to where it
    is wanted besides. With `pr` the release goes to a branch for a pull request.
    """

    make_plan: Callable[[], Plan]
    repository: Repository
    report: Report
    mode: str
    pr: bool = False
    keep: Callable[[Plan], None] = lambda plan: None

    def read(self, what: str) -> int:
        """Compute the plan, which reads `what`, and decide; return the exit code."""
        with progress.step(f"read {what}"):
            plan = self.make_plan()
        if self.mode == "ask" and not (sys.stdin and sys.stdin.isatty()):
            raise UsageError(
                "no-terminal", "there is no terminal to ask at", fix="add --yes to apply, or --plan to look only"
            )
        return self.decide(plan)

    def decide(self, plan: Plan) -> int:
        """Show `plan`, and do with it what is wished; return the exit code."""
        show_plan(plan, self.report)
        self.keep(plan)
        if plan.draft.is_empty:
            return 0
        for refusal in plan.verdict.refusals:
            raise refusal
        if self.mode == "plan":
            return CHANGES_PLANNED
        question = f"{'Propose' if self.pr else 'Release'} this to {plan.request.environment.name}?"
        if self.mode == "ask" and not _agreed(question):
            raise Declined("declined", "nothing was released", fix="answer yes, or add --yes")
        if self.pr:
            document = pull_request_document(propose(plan, self.make_plan, self.repository))
            self.report.result("pull_request", document, pull_request_lines(document))
        else:
            release = apply(plan, self.make_plan, self.repository)
            self.report.result("release", release_document(release), release_lines(release))
        return 0


def show_plan(plan: Plan, report: Report) -> None:
    """Show what would be done."""
    lines = plan_lines(plan) if not report.as_markdown else [(plan_markdown(plan).removesuffix("\n"), "")]
    report.result("plan", plan_document(plan) if report.as_json else None, lines)


def _agreed(question: str) -> bool:
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
