"""Count an environment's scheduled runs, and keep the evidence.

examples:
  scripts/promote.py observe dev
      namespace dev of kubectl's current context
  scripts/promote.py observe dev --context kind-data --namespace mage
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from promotion.cli.arguments import add_environment, add_output
from promotion.cli.in_clone import in_clone
from promotion.cli.parser import Parser
from promotion.showing.report import Report

if TYPE_CHECKING:
    from promotion.repository.git import Repository


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    add_environment(parser)
    parser.add_argument("--context", metavar="NAME", help="of kubectl; the current one by default")
    parser.add_argument("--namespace", metavar="NAME", help="the environment's name by default")
    add_output(parser)


@in_clone
def run(repository: Repository, options: argparse.Namespace, report: Report) -> int:
    """Observe the environment."""
    from promotion.cluster.scheduler import Cluster
    from promotion.commands.observe import observe

    cluster = Cluster(options.context, options.namespace or options.environment)
    return observe(repository, options.environment, cluster, report=report)
