"""Show what of its data older versions wrote, or settle it.

examples:
  scripts/promote.py backfill prod
      what is open
  scripts/promote.py backfill prod -p orders --done
      all those days are written anew
  scripts/promote.py backfill prod -p orders --waive --reason "reported"
      they stay as they are
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
        fix = "name both -p NAME and --done or --waive; neither shows what is open"
        raise UsageError("usage", "what is closed is named, and how", fix=fix)
    if options.waive and not reason:
        raise UsageError("no-reason", "who waives a backfill says why", fix="add --reason TEXT")
    with clone() as repository:
        if not closes:
            yield from show_backfills(repository, name)
        yield from close_backfills(repository, name, options.pipelines, options.done, reason)
