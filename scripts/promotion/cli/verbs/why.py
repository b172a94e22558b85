"""Explain why a pipeline needs a file, reference by reference.

examples:
  scripts/promote.py why flights_daily mage_project/utils/money.py
      in your work tree
  scripts/promote.py why flights_daily mage_project/utils/money.py prod
      in what prod runs
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from promotion.cli import candidates
from promotion.cli.arguments import add_output, completed
from promotion.cli.in_clone import in_clone
from promotion.cli.parser import Parser
from promotion.showing.report import Report

if TYPE_CHECKING:
    from promotion.repository.git import Repository


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    completed(parser.add_argument("pipeline", metavar="PIPELINE", help="the pipeline"), candidates.pipelines)
    parser.add_argument("file", metavar="FILE", help="a path from the root of the clone, or from here")
    where = parser.add_argument("place", metavar="ENV|main", nargs="?", help="as it is there (in your work tree)")
    completed(where, candidates.sources)
    add_output(parser)


@in_clone
def run(repository: Repository, options: argparse.Namespace, report: Report) -> int:
    """Explain it."""
    from promotion.commands.why import why

    return why(repository, options.pipeline, options.file, options.place, report=report)
