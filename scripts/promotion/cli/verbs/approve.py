"""Agree to a kept plan, for whoever else promotes it.

It releases nothing: who agrees is shown the plan again, and says so in git.

examples:
  scripts/promote.py staging prod --plan -o plan.json
      who wants to promote keeps the plan
  scripts/promote.py approve plan.json
      who agrees does so
  scripts/promote.py apply plan.json
      who wanted to promote does
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from promotion.cli.arguments import add_output, add_plan_file
from promotion.cli.in_clone import in_clone
from promotion.cli.parser import Parser
from promotion.showing.report import Report

if TYPE_CHECKING:
    from promotion.repository.git import Repository


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    add_plan_file(parser)
    add_output(parser)


@in_clone
def run(repository: Repository, options: argparse.Namespace, report: Report) -> int:
    """Approve the plan."""
    from promotion.commands.approve import approve

    return approve(repository, options.file, report=report)
