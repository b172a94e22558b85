"""The command line of `promote.py rehearse`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from promotion.cli.boundary import run
from promotion.cli.parser import add_selectors, add_verify_dependants, make_parser
from promotion.options import Options
from promotion.showing.report import Report

_REHEARSE = """Promote and take back, with all gates, in a clone and a remote that are thrown away.

examples:
  scripts/promote.py rehearse staging prod                     all of it
  scripts/promote.py rehearse staging prod -p flights_daily    one pipeline, with every file that it needs"""


def main(arguments: Sequence[str]) -> int:
    """Run `promote.py rehearse`."""
    parser = make_parser(_REHEARSE, "promote.py rehearse")
    parser.add_argument("source", metavar="SRC", help="main or an environment")
    parser.add_argument("target", metavar="DST", help="an environment")
    add_selectors(parser)
    add_verify_dependants(parser)

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.rehearse import rehearse
        from promotion.repository.git import Repository

        wanted = Options(tuple(options.pipelines), tuple(options.exclude), options.verify_dependants)
        with Repository.find(Path.cwd()) as repository:
            return rehearse(repository, options.source, options.target, wanted, report=report)

    return run(parser, arguments, command)
