"""Carry out a kept plan: exactly that, without a question.

examples:
  scripts/promote.py staging prod --plan -o plan.json
      look, and keep what you saw
  scripts/promote.py apply plan.json
      do it; exit code 5 when something changed since
"""

from __future__ import annotations

from argparse import Namespace

from promotion.cli.arguments import OUTPUT, PLAN_FILE, PR
from promotion.cli.place import clone
from promotion.showing.report import Report

TAKES = (PLAN_FILE, PR, *OUTPUT)


def run(options: Namespace, report: Report) -> int:
    """Apply the plan."""
    from promotion.commands.apply_plan import apply_plan

    with clone() as repository:
        return apply_plan(repository, options.file, pr=options.pr, report=report)
