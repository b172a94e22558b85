"""Show what of its data older versions wrote, or settle it.

examples:
  scripts/promote.py backfill prod
      what is open
  scripts/promote.py backfill prod -p orders --done
      all those days are written anew
  scripts/promote.py backfill prod -p orders --waive --reason "reported"
      they stay as they are
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from basics.errors import UsageError
from promotion.cli.arguments import add_environment, add_output, add_pipelines, add_reason
from promotion.cli.in_clone import in_clone
from promotion.cli.parser import Parser
from promotion.showing.report import Report

if TYPE_CHECKING:
    from promotion.repository.git import Repository


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    add_environment(parser)
    add_pipelines(parser)
    closing = parser.add_mutually_exclusive_group()
    closing.add_argument("--done", action="store_true", help="it is done")
    closing.add_argument("--waive", action="store_true", help="it will not be done (needs --reason)")
    add_reason(parser, "the evidence")
    add_output(parser)


@in_clone
def run(repository: Repository, options: argparse.Namespace, report: Report) -> int:
    """Show or close backfills."""
    from promotion.commands.backfill import close_backfills, show_backfills

    closes, reason, name = options.done or options.waive, options.reason, options.environment
    if bool(options.pipelines) != closes:
        fix = "name both -p NAME and --done or --waive; neither shows what is open"
        raise UsageError("usage", "what is closed is named, and how", fix=fix)
    if options.waive and not reason:
        raise UsageError("no-reason", "who waives a backfill says why", fix="add --reason TEXT")
    if not closes:
        return show_backfills(repository, name, report=report)
    return close_backfills(repository, name, options.pipelines, options.done, reason, report=report)
