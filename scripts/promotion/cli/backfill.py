"""The command line of `promote.py backfill`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from basics.errors import UsageError
from promotion.cli.boundary import run
from promotion.cli.parser import add_pipelines, add_reason, make_parser
from promotion.showing.report import Report

_BACKFILL = """Show what of an environment's data an older version wrote, or say that it is settled.

examples:
  scripts/promote.py backfill prod                                     what is open
  scripts/promote.py backfill prod -p orders --done                    all those days are written anew
  scripts/promote.py backfill prod -p orders --waive --reason "the old totals are reported"    and stay"""


def main(arguments: Sequence[str]) -> int:
    """Run `promote.py backfill`."""
    parser = make_parser(_BACKFILL, "promote.py backfill")
    parser.add_argument("environment", metavar="ENV", help="the environment")
    add_pipelines(parser)
    closing = parser.add_mutually_exclusive_group()
    closing.add_argument("--done", action="store_true", help="it is done")
    closing.add_argument("--waive", action="store_true", help="it will not be done (needs --reason)")
    add_reason(parser, "the evidence")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.backfill import close_backfills, show_backfills
        from promotion.repository.git import Repository

        closes, reason = options.done or options.waive, options.reason
        if bool(options.pipelines) != closes:
            fix = "name both -p NAME and --done or --waive; neither shows what is open"
            raise UsageError("usage", "what is closed is named, and how", fix=fix)
        if options.waive and not reason:
            raise UsageError("no-reason", "who waives a backfill says why", fix="add --reason TEXT")
        name = options.environment
        with Repository.find(Path.cwd()) as repository:
            if not closes:
                return show_backfills(repository, name, report=report)
            return close_backfills(repository, name, options.pipelines, options.done, reason, report=report)

    return run(parser, arguments, command)
