"""The command line of `promote.py ratify`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from promotion.cli.boundary import run
from promotion.cli.parser import add_reason, make_parser
from promotion.showing.report import Report

_RATIFY = """Stand for what releases of an environment skipped in an emergency.

examples:
  scripts/promote.py ratify prod --reason "INC-12: reviewed, the totals are right"
  scripts/status.py prod                              what is still open"""


def main(arguments: Sequence[str]) -> int:
    """Run `promote.py ratify`."""
    parser = make_parser(_RATIFY, "promote.py ratify")
    parser.add_argument("environment", metavar="ENV", help="the environment")
    add_reason(parser, "the evidence")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.ratify import ratify
        from promotion.repository.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return ratify(repository, options.environment, options.reason, report=report)

    return run(parser, arguments, command)
