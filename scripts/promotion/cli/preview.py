"""Install what a merge would make of dev, for some hours and apart from dev.

The preview of this clone's commit gets a namespace of its own in the cluster
of dev: small, with sample data, with its own passwords, with every schedule
off. It removes itself at its end, whatever becomes of the machine that
started it. (dev: the environment that main is promoted to.)

examples:
  scripts/preview.py start pr-12
      for 24 hours; again: upgrade it, and move its end
  scripts/preview.py start mine -p flights_daily --hours 2
      one pipeline, with every file that it needs
  scripts/preview.py stop pr-12
      remove it now
  scripts/preview.py list
      those that are there
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from basics.errors import UsageError
from promotion.cli.arguments import OUTPUT, SELECTORS, argument
from promotion.cli.place import clone
from promotion.options import Options
from promotion.showing.result import Result

_MOST_HOURS = 720


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 < hours <= _MOST_HOURS:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {_MOST_HOURS} hours")
    return hours


TAKES = (
    argument("verb", choices=["start", "stop", "list"], help="install or upgrade it; remove it; show all"),
    argument("name", metavar="NAME", nargs="?", help="what to call it, e.g. pr-12"),
    *SELECTORS,
    argument("--hours", metavar="N", type=_hours, default=24.0, help="start: hours until it removes itself (24)"),
    *OUTPUT,
)


def run(options: argparse.Namespace) -> Iterator[Result]:
    """Start, stop or list."""
    from promotion.commands import preview

    if (options.name is None) != (options.verb == "list"):
        raise UsageError("usage", "start and stop take one NAME, and list none", fix="scripts/preview.py --help")
    with clone() as repository:
        if options.verb == "start":
            wanted = Options(tuple(options.pipelines), tuple(options.exclude))
            yield from preview.start(repository, options.name, wanted, options.hours)
        elif options.verb == "stop":
            yield from preview.stop(repository, options.name)
        else:
            yield from preview.show(repository)
