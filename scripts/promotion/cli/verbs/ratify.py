"""Stand for what releases skipped in an emergency.

examples:
  scripts/promote.py ratify prod --reason "INC-12: the totals are right"
  scripts/status.py prod
      what is still open
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from promotion.cli.arguments import add_environment, add_output, add_reason
from promotion.cli.in_clone import in_clone
from promotion.cli.parser import Parser
from promotion.showing.report import Report

if TYPE_CHECKING:
    from promotion.repository.git import Repository


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    add_environment(parser)
    add_reason(parser, "the evidence")
    add_output(parser)


@in_clone
def run(repository: Repository, options: argparse.Namespace, report: Report) -> int:
    """Ratify the emergencies."""
    from promotion.commands.ratify import ratify

    return ratify(repository, options.environment, options.reason, report=report)
