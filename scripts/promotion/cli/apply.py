"""The command line of `promote.py apply`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from promotion.cli.boundary import run
from promotion.cli.parser import add_pr, make_parser
from promotion.showing.report import Report

_APPLY = """Carry out a kept plan: exactly that, without a question, or nothing.

examples:
  scripts/promote.py staging prod --plan -o plan.json     look, and keep what you saw
  scripts/promote.py apply plan.json                      do it; exit code 5 when something changed since"""


def main(arguments: Sequence[str]) -> int:
    """Run `promote.py apply`."""
    parser = make_parser(_APPLY, "promote.py apply")
    parser.add_argument("file", metavar="FILE", type=Path, help="what --plan -o wrote")
    add_pr(parser)

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.apply_plan import apply_plan
        from promotion.repository.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return apply_plan(repository, options.file, pr=options.pr, report=report)

    return run(parser, arguments, command)
