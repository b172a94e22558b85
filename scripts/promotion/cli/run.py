"""Run pipelines on this machine, against a local warehouse.

The warehouse is a database of the local PostgreSQL, filled from the source data.

examples:
  scripts/run.py
      this folder's pipelines, as dev, on their smoke days
  scripts/run.py . -p flights_daily
      one of them
  scripts/run.py . -p flights_daily --days 2013-02-08
      on a day of your choice
  scripts/run.py prod --days 2013-02-04..2013-02-10
      what prod runs now, on a week
"""

from __future__ import annotations

import argparse
from datetime import date

from promotion.cli.arguments import add_output, add_pipelines, add_place
from promotion.cli.parser import Parser
from promotion.showing.report import Report


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    add_place(parser)
    add_pipelines(parser)
    parser.add_argument("--days", metavar="FROM..TO", type=_days, default=[], help="days like 2013-02-08")
    add_output(parser, quiet="tell no progress, of each run one line, and blocks that failed")


def run(options: argparse.Namespace, report: Report) -> int:
    """Run the pipelines."""
    from promotion.cli.place import place
    from promotion.commands.run import run_locally

    return run_locally(
        place(options.place),
        options.pipelines,
        options.days,
        brief=options.quiet,
        report=report,
    )


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
