"""Approve a kept plan that somebody else promotes.

It shows the plan and keeps the approval in git. It releases nothing.

examples:
  scripts/promote.py staging prod --plan -o plan.json
      the one who promotes keeps the plan
  scripts/promote.py approve plan.json
      somebody else approves it
  scripts/promote.py apply plan.json
      the first one releases it
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
