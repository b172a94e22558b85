"""Take an environment, or pipelines of it, back to an older release.

examples:
  scripts/rollback.py prod --reason "negative totals"
      to the last good release
  scripts/rollback.py prod --to 3 --reason "negative totals"
      to release 3
  scripts/rollback.py prod -p flights_daily --reason "wrong join"
      one pipeline only
  scripts/rollback.py prod --reason "negative totals" --pr
      where env/prod is protected: by a pull request
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from promotion.cli.arguments import add_environment, add_modes, add_output, add_pipelines, options_of
from promotion.cli.in_clone import in_clone
from promotion.cli.parser import Parser
from promotion.showing.report import Report

if TYPE_CHECKING:
    from promotion.repository.git import Repository


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    add_environment(parser, "the environment to take back")
    parser.add_argument("--to", metavar="N", type=int, help="the release to go back to (the last good one)")
    add_modes(parser)
    add_pipelines(parser)
    parser.set_defaults(release_hold=False, exclude=[])
    add_output(parser, markdown=True)


@in_clone
def run(repository: Repository, options: argparse.Namespace, report: Report) -> int:
    """Roll back."""
    from promotion.commands.rollback import rollback

    return rollback(
        repository,
        options.environment,
        options.to,
        options_of(options),
        mode=options.mode,
        report=report,
        pr=options.pr,
    )
