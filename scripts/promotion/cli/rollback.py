"""The command line of `rollback.py`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from promotion.cli.boundary import run
from promotion.cli.parser import add_modes, add_pipelines, make_parser, options_of
from promotion.showing.report import Report


def main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `rollback.py`."""
    parser = make_parser(description)
    parser.add_argument("environment", metavar="ENV", help="the environment to take back")
    parser.add_argument("--to", metavar="N", type=int, help="the release to go back to (the last good one)")
    add_modes(parser)
    add_pipelines(parser)
    parser.set_defaults(release_hold=False, exclude=[])

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.rollback import rollback
        from promotion.repository.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return rollback(
                repository,
                options.environment,
                options.to,
                options_of(options),
                mode=options.mode,
                report=report,
                pr=options.pr,
            )

    return run(parser, arguments, command)
