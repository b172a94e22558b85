"""The command line of `run.py`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date

from promotion.cli.boundary import run
from promotion.cli.parser import add_pipelines, make_parser
from promotion.showing.report import Report


def main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `run.py`."""
    parser = make_parser(description)
    parser.add_argument("what", metavar="ENV|PATH", nargs="?", default=".", help="an environment, or a folder (.)")
    add_pipelines(parser)
    parser.add_argument("--days", metavar="FROM..TO", type=_days, default=[], help="days like 2013-02-08")
    parser.add_argument("-q", "--quiet", action="store_true", help="one line per run; failed blocks as well")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.cli.place import place
        from promotion.commands.run import run_locally

        return run_locally(
            place(options.what),
            options.pipelines,
            options.days,
            brief=options.quiet,
            report=report,
        )

    return run(parser, arguments, command)


def _days(text: str) -> list[date]:
    """Read `DAY` or `FROM..TO`, both included."""
    first, dots, last = text.partition("..")
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last if dots else first)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}; write 2013-02-04..2013-02-10") from error
    if start > end:
        raise argparse.ArgumentTypeError(f"{end} is before {start}")
    return [date.fromordinal(number) for number in range(start.toordinal(), end.toordinal() + 1)]
