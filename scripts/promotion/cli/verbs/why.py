"""Explain why a pipeline needs a file, reference by reference.

examples:
  scripts/promote.py why flights_daily mage_project/utils/money.py
      in your work tree
  scripts/promote.py why flights_daily mage_project/utils/money.py prod
      in what prod runs
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli import candidates
from promotion.cli.arguments import OUTPUT, argument
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (
    argument("pipeline", metavar="PIPELINE", help="the pipeline", completer=candidates.pipelines),
    argument("file", metavar="FILE", help="a path from the root of the clone, or from here"),
    argument(
        "place",
        metavar="ENV|main",
        nargs="?",
        help="of main or an environment (your work tree)",
        completer=candidates.sources,
    ),
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Explain it."""
    from promotion.commands.why import why

    with clone() as repository:
        yield from why(repository, options.pipeline, options.file, options.place)
