"""Check what came of a release's pull request, remove its branch.

examples:
  scripts/promote.py staging prod --pr
      gates and all; pushes release/prod/7 and prints the pull request
  scripts/promote.py finalize prod
      exit code 6 until it is merged, 5 when its number is taken
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from promotion.cli.arguments import add_environment, add_output
from promotion.cli.in_clone import in_clone
from promotion.cli.parser import Parser
from promotion.showing.report import Report

if TYPE_CHECKING:
    from promotion.repository.git import Repository


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    add_environment(parser)
    add_output(parser)


@in_clone
def run(repository: Repository, options: argparse.Namespace, report: Report) -> int:
    """Finalize the pull requests."""
    from promotion.commands.finalize import finalize

    return finalize(repository, options.environment, report=report)
