"""The command line of `promote.py why`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from promotion.cli.boundary import run
from promotion.cli.parser import make_parser
from promotion.showing.report import Report

_WHY = """Explain why a pipeline needs a file: every reference on the way from one to the other.

examples:
  scripts/promote.py why flights_daily mage_project/utils/money.py          in your work tree
  scripts/promote.py why flights_daily mage_project/utils/money.py prod     in what prod runs"""


def main(arguments: Sequence[str]) -> int:
    """Run `promote.py why`."""
    parser = make_parser(_WHY, "promote.py why")
    parser.add_argument("pipeline", metavar="PIPELINE", help="the pipeline")
    parser.add_argument("file", metavar="FILE", help="a path from the root of the clone, or from here")
    parser.add_argument("place", metavar="ENV|main", nargs="?", help="as it is there (in your work tree)")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.why import why
        from promotion.repository.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return why(repository, options.pipeline, options.file, options.place, report=report)

    return run(parser, arguments, command)
