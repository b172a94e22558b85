"""Show what runs where: pipelines × environments, holds, releases.

examples:
  scripts/status.py                     all environments
  scripts/status.py prod                one environment
  scripts/status.py --html status.html  the page as well
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.cli.arguments import add_environment, add_output
from promotion.cli.in_clone import in_clone
from promotion.cli.parser import Parser
from promotion.showing.report import Report

if TYPE_CHECKING:
    from promotion.repository.git import Repository


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    add_environment(parser, "only this environment, with its releases", optional=True)
    parser.add_argument("--html", metavar="FILE", type=Path, help="write the page to FILE as well")
    add_output(parser)


@in_clone
def run(repository: Repository, options: argparse.Namespace, report: Report) -> int:
    """Show the status."""
    from promotion.commands.status import status

    return status(repository, options.environment, options.html, report=report)
