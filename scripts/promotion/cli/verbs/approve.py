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

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import OUTPUT, PLAN_FILE
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (PLAN_FILE, *OUTPUT)


def run(options: Namespace) -> Iterator[Result]:
    """Approve the plan."""
    from promotion.commands.approve import approve

    with clone() as repository:
        yield from approve(repository, options.file)
