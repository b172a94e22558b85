"""Show what runs where: pipelines × environments, holds, releases.

examples:
  scripts/status.py                     all environments
  scripts/status.py prod                one environment
  scripts/status.py --live              also what the clusters run
  scripts/status.py --html status.html  the page as well
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from promotion.cli import candidates
from promotion.cli.arguments import OUTPUT, argument
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (
    argument(
        "environment",
        metavar="ENV",
        nargs="?",
        help="only this environment, with its releases",
        completer=candidates.environments,
    ),
    argument("--live", action="store_true", help="also what the clusters run that the policies state"),
    argument("--html", metavar="FILE", type=Path, help="write the page to FILE as well"),
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Show the status."""
    from promotion.commands.status import status

    with clone() as repository:
        yield from status(repository, options.environment, options.html, live=options.live)
