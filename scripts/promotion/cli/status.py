"""The command line of `status.py`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from promotion.cli.boundary import run
from promotion.cli.parser import make_parser
from promotion.showing.report import Report


def main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `status.py`."""
    parser = make_parser(description)
    parser.add_argument("environment", metavar="ENV", nargs="?", help="only this environment, with its releases")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write the page to FILE as well")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.status import status
        from promotion.repository.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return status(repository, options.environment, options.html, report=report)

    return run(parser, arguments, command)
