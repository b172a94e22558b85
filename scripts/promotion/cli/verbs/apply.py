"""Carry out exactly a kept plan, without a question.

examples:
  scripts/promote.py staging prod --plan -o plan.json
      look at the plan, and keep it
  scripts/promote.py apply plan.json
      release it; exit code 5 if something has changed
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import OUTPUT, PLAN_FILE, PR
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (PLAN_FILE, PR, *OUTPUT)


def run(options: Namespace) -> Iterator[Result]:
    """Apply the plan."""
    from promotion.commands.apply_plan import apply_plan

    with clone() as repository:
        yield from apply_plan(repository, options.file, pr=options.pr)
