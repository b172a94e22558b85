"""Show which data older versions wrote, or close such entries.

examples:
  scripts/promote.py backfill prod
      what is open
  scripts/promote.py backfill prod -p orders --done
      all those days are written again
  scripts/promote.py backfill prod -p orders --waive --reason "reported"
      that data stays unchanged
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from basics.errors import UsageError
from promotion.cli.arguments import ENVIRONMENT, OUTPUT, PIPELINES, REASON, argument, one_of
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (
    ENVIRONMENT,
    PIPELINES,
    one_of(
        argument("--done", action="store_true", help="it is done"),
        argument("--waive", action="store_true", help="it will not be done (needs --reason)"),
    ),
    REASON,
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Show or close backfills."""
    from promotion.commands.backfill import close_backfills, show_backfills

    closes, reason, name = options.done or options.waive, options.reason, options.environment
    if bool(options.pipelines) != closes:
        fix = "add both -p NAME and --done or --waive; or neither, to see what is open"
        raise UsageError("usage", "closing needs pipelines and how they are closed", fix=fix)
    if options.waive and not reason:
        raise UsageError("no-reason", "a waived backfill needs a reason", fix="add --reason TEXT")
    with clone() as repository:
        if closes:
            yield from close_backfills(repository, name, options.pipelines, options.done, reason)
        else:
            yield from show_backfills(repository, name)
