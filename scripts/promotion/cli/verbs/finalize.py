"""Check what a merged pull request released, and remove its branch.

examples:
  scripts/promote.py staging prod --pr
      runs all gates, pushes release/prod/7 and prints the pull request
  scripts/promote.py finalize prod
      exit code 6 until it is merged, 5 when its number is taken
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import ENVIRONMENT, OUTPUT
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (ENVIRONMENT, *OUTPUT)


def run(options: Namespace) -> Iterator[Result]:
    """Finalize the pull requests."""
    from promotion.commands.finalize import finalize

    with clone() as repository:
        yield from finalize(repository, options.environment)
