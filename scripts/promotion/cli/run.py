"""Run pipelines on this machine, against a local warehouse.

The warehouse is a database of the local PostgreSQL, filled from the source
data.

examples:
  scripts/run.py
      this folder's pipelines, as dev, on their smoke days
  scripts/run.py . -p flights_daily
      one of them
  scripts/run.py . -p flights_daily --days 2013-02-08
      on a day that you choose
  scripts/run.py . -p flights_daily --block clean_flights
      one block, after those whose outputs it needs
  scripts/run.py prod --days 2013-02-04..2013-02-10
      what prod runs now, on a week
"""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator
from datetime import date

from promotion.cli.arguments import OUTPUT_OF_RUNS, PIPELINES, PLACE, argument
from promotion.cli.place import place
from promotion.showing.result import Result


def _days(text: str) -> list[date]:
    """Read `DAY` or `FROM..TO`, both included."""
    first, dots, last = text.partition("..")
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last if dots else first)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r}: {error}; write 2013-02-04..2013-02-10") from error
    if start > end:
        raise ArgumentTypeError(f"{end} is before {start}")
    return [date.fromordinal(number) for number in range(start.toordinal(), end.toordinal() + 1)]


TAKES = (
    PLACE,
    PIPELINES,
    argument("--days", metavar="FROM..TO", type=_days, default=[], help="days like 2013-02-08"),
    argument("--block", metavar="NAME", help="only this block, after those whose outputs it needs"),
    *OUTPUT_OF_RUNS,
)


def run(options: Namespace) -> Iterator[Result]:
    """Run the pipelines."""
    from promotion.commands.run import run_locally

    yield from run_locally(
        place(options.place), options.pipelines, options.days, block=options.block, brief=options.quiet
    )
