"""The command line of `verify.py`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from promotion.cli.boundary import run
from promotion.cli.parser import make_parser
from promotion.showing.report import Report


def main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `verify.py`."""
    parser = make_parser(description)
    parser.add_argument("what", metavar="ENV|PATH", nargs="?", default=".", help="an environment, or a folder (.)")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.cli.place import place
        from promotion.commands.verify import verify

        return verify(place(options.what), report=report)

    return run(parser, arguments, command)
