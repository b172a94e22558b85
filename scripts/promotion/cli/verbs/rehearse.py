"""Try a promotion and its rollback in a scratch clone.

All gates run. The clone and its own remote are removed afterwards.

examples:
  scripts/promote.py rehearse staging prod
      all pipelines
  scripts/promote.py rehearse staging prod -p flights_daily
      one pipeline, with every file that it needs
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import ENDS, OUTPUT, SELECTORS, VERIFY_DEPENDANTS
from promotion.cli.place import clone
from promotion.options import Options
from promotion.showing.result import Result

TAKES = (*ENDS, *SELECTORS, VERIFY_DEPENDANTS, *OUTPUT)


def run(options: Namespace) -> Iterator[Result]:
    """Rehearse the promotion."""
    from promotion.commands.rehearse import rehearse

    wanted = Options(tuple(options.pipelines), tuple(options.exclude), options.verify_dependants)
    with clone() as repository:
        yield from rehearse(repository, options.source, options.target, wanted)
