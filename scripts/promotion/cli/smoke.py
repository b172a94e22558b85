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

import argparse
from typing import TYPE_CHECKING

from promotion.cli.arguments import add_ends, add_output, add_selectors
from promotion.cli.in_clone import in_clone
from promotion.cli.parser import Parser
from promotion.options import SMOKE_KINDS, Options
from promotion.showing.report import Report

if TYPE_CHECKING:
    from promotion.repository.git import Repository


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    add_ends(parser)
    parser.add_argument(
        "--on", choices=SMOKE_KINDS, help="this machine, or a kind cluster (what DST's policy.yaml says)"
    )
    add_selectors(parser)
    add_output(parser)


@in_clone
def run(repository: Repository, options: argparse.Namespace, report: Report) -> int:
    """Run the smoke gate."""
    from promotion.commands.smoke import prove

    wanted = Options(tuple(options.pipelines), tuple(options.exclude), smoke=options.on)
    return prove(repository, options.source, options.target, wanted, report=report)
