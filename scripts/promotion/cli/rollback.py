"""Take an environment, or pipelines of it, back to an older release.

examples:
  scripts/rollback.py prod --reason "negative totals"
      to the last good release
  scripts/rollback.py prod --to 3 --reason "negative totals"
      to release 3
  scripts/rollback.py prod -p flights_daily --reason "wrong join"
      one pipeline only
  scripts/rollback.py prod --reason "negative totals" --pr
      by a pull request, where env/prod is protected
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import ENVIRONMENT, OUTPUT_OF_PLAN, PIPELINES, RELEASING, argument, given, options_of
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (
    ENVIRONMENT,
    argument("--to", metavar="N", type=int, help="the release to go back to (the last good one)"),
    *RELEASING,
    PIPELINES,
    given(release_hold=False, exclude=[]),
    *OUTPUT_OF_PLAN,
)


def run(options: Namespace) -> Iterator[Result]:
    """Roll back."""
    from promotion.commands.rollback import rollback

    with clone() as repository:
        yield from rollback(
            repository,
            options.environment,
            options.to,
            options_of(options),
            mode=options.mode,
            pr=options.pr,
        )
