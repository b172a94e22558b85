"""The command line of `promote.py approve`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from promotion.cli.boundary import run
from promotion.cli.parser import make_parser
from promotion.showing.report import Report

_APPROVE = """Agree to a kept plan: exactly that, for whoever else promotes it. Releases nothing.

examples:
  scripts/promote.py staging prod --plan -o plan.json     who wants to promote keeps the plan
  scripts/promote.py approve plan.json                    who agrees shows it again, and says so in git
  scripts/promote.py apply plan.json                      who wanted to promote does"""


def main(arguments: Sequence[str]) -> int:
    """Run `promote.py approve`."""
    parser = make_parser(_APPROVE, "promote.py approve")
    parser.add_argument("file", metavar="FILE", type=Path, help="what --plan -o wrote")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.approve import approve
        from promotion.repository.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return approve(repository, options.file, report=report)

    return run(parser, arguments, command)
