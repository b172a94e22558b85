"""Promote and take back, with all gates, where nobody sees it.

It happens in a clone and with a remote that are thrown away.

examples:
  scripts/promote.py rehearse staging prod
      all of it
  scripts/promote.py rehearse staging prod -p flights_daily
      one pipeline, with every file that it needs
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from promotion.cli.arguments import add_ends, add_output, add_selectors, add_verify_dependants
from promotion.cli.in_clone import in_clone
from promotion.cli.parser import Parser
from promotion.options import Options
from promotion.showing.report import Report

if TYPE_CHECKING:
    from promotion.repository.git import Repository


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    add_ends(parser)
    add_selectors(parser)
    add_verify_dependants(parser)
    add_output(parser)


@in_clone
def run(repository: Repository, options: argparse.Namespace, report: Report) -> int:
    """Rehearse the promotion."""
    from promotion.commands.rehearse import rehearse

    wanted = Options(tuple(options.pipelines), tuple(options.exclude), options.verify_dependants)
    return rehearse(repository, options.source, options.target, wanted, report=report)
