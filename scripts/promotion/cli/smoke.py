"""Prove what a promotion would release, without releasing it.

The promotion that follows reuses the evidence.

examples:
  scripts/smoke.py dev staging
      as staging's policy.yaml asks
  scripts/smoke.py staging prod --on kind
      on a kind cluster: the image, the chart and Mage's API
  scripts/smoke.py dev staging -p flights_daily
      the tree that a promotion of this pipeline alone would make
  SMOKE_CLUSTER=shared scripts/smoke.py staging prod --on kind
      on a kind cluster of that name (mage-smoke)
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import ENDS, OUTPUT, SELECTORS, argument
from promotion.cli.place import clone
from promotion.options import SMOKE_KINDS, Options
from promotion.showing.result import Result

TAKES = (
    *ENDS,
    argument("--on", choices=SMOKE_KINDS, help="this machine, or a kind cluster (what DST's policy.yaml says)"),
    *SELECTORS,
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Run the smoke gate."""
    from promotion.commands.smoke import prove

    wanted = Options(tuple(options.pipelines), tuple(options.exclude), smoke=options.on)
    with clone() as repository:
        yield from prove(repository, options.source, options.target, wanted)
