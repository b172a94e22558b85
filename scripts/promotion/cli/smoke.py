"""The command line of `smoke.py`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from promotion.cli.boundary import run
from promotion.cli.parser import add_selectors, make_parser
from promotion.options import SMOKE_KINDS, Options
from promotion.showing.report import Report


def main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `smoke.py`."""
    parser = make_parser(description)
    parser.add_argument("source", metavar="SRC", help="main or an environment")
    parser.add_argument("target", metavar="DST", help="an environment")
    parser.add_argument(
        "--on", choices=SMOKE_KINDS, help="this machine, or a kind cluster (what DST's policy.yaml says)"
    )
    add_selectors(parser)

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.smoke import prove
        from promotion.repository.git import Repository

        wanted = Options(tuple(options.pipelines), tuple(options.exclude), smoke=options.on)
        with Repository.find(Path.cwd()) as repository:
            return prove(repository, options.source, options.target, wanted, report=report)

    return run(parser, arguments, command)
