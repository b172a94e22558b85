"""Promote pipelines to the next environment; the verb is optional.

examples:
  scripts/promote.py main dev
      everything on main: show the plan, ask, release
  scripts/promote.py dev staging -p flights_daily
      one pipeline, with every file that it needs
  scripts/promote.py dev staging -p +tag:finance
      the pipelines with this tag, and what they need
  scripts/promote.py staging prod --plan
      look only; exit code 2 when there is something to do
  scripts/promote.py staging prod --plan --markdown
      as Markdown, for a pull request or a ticket
  scripts/promote.py HEAD dev --plan
      what dev would get if this clone's commit were merged into main
  scripts/promote.py staging prod --plan -o plan.json
      and keep the plan, for the verbs approve and apply
  scripts/promote.py staging prod --pr
      by a pull request, where env/prod is protected
  scripts/promote.py staging prod --watch
      then watch it in the cluster, as long as the policy of prod says
  scripts/promote.py staging prod --yes --json
      no question, one JSON document on stdout
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from promotion.cli.arguments import ENDS, OUTPUT_OF_PLAN, RELEASING, SELECTORS, argument, options_of
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (
    *ENDS,
    *RELEASING,
    *SELECTORS,
    argument(
        "--release-hold",
        action="store_true",
        help="promote what was rolled back, or failed in the source (needs --reason)",
    ),
    argument(
        "-o", "--output", metavar="FILE", type=Path, help="with --plan: keep it, for `promote.py apply FILE`"
    ),
    argument("--watch", action="store_true", help="then watch the release, as `promote.py watch DST` does"),
    *OUTPUT_OF_PLAN,
)


def run(options: Namespace) -> Iterator[Result]:
    """Promote."""
    from promotion.commands.promote import promote

    with clone() as repository:
        yield from promote(
            repository,
            options.source,
            options.target,
            options_of(options),
            mode=options.mode,
            plan_file=options.output,
            pr=options.pr,
            then_watch=options.watch,
        )
