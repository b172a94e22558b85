"""Take responsibility for what releases skipped in an emergency.

examples:
  scripts/promote.py ratify prod --reason "INC-12: the totals are right"
  scripts/status.py prod
      what is still open
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import ENVIRONMENT, OUTPUT, REASON
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (ENVIRONMENT, REASON, *OUTPUT)


def run(options: Namespace) -> Iterator[Result]:
    """Ratify the emergencies."""
    from promotion.commands.ratify import ratify

    with clone() as repository:
        yield from ratify(repository, options.environment, options.reason)
