"""Carry out a kept plan: exactly that, without a question.

examples:
  scripts/promote.py staging prod --plan -o plan.json
      look, and keep what you saw
  scripts/promote.py apply plan.json
      do it; exit code 5 when something changed since
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from promotion.cli.arguments import add_output, add_plan_file, add_pr
from promotion.cli.in_clone import in_clone
from promotion.cli.parser import Parser
from promotion.showing.report import Report

if TYPE_CHECKING:
    from promotion.repository.git import Repository


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    add_plan_file(parser)
    add_pr(parser)
    add_output(parser)


@in_clone
def run(repository: Repository, options: argparse.Namespace, report: Report) -> int:
    """Apply the plan."""
    from promotion.commands.apply_plan import apply_plan

    return apply_plan(repository, options.file, pr=options.pr, report=report)
