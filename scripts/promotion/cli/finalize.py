"""The command line of `promote.py finalize`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from promotion.cli.boundary import run
from promotion.cli.parser import make_parser
from promotion.showing.report import Report

_FINALIZE = """Check what came of a release's pull request, and remove its branch.

examples:
  scripts/promote.py staging prod --pr     gates and all; pushes release/prod/7 and prints the pull request
  scripts/promote.py finalize prod         exit code 6 until it is merged, 5 when its number is taken"""


def main(arguments: Sequence[str]) -> int:
    """Run `promote.py finalize`."""
    parser = make_parser(_FINALIZE, "promote.py finalize")
    parser.add_argument("environment", metavar="ENV", help="the environment")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.finalize import finalize
        from promotion.repository.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return finalize(repository, options.environment, report=report)

    return run(parser, arguments, command)
