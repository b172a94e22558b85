"""The command line of `promote.py observe`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from promotion.cli.boundary import run
from promotion.cli.parser import make_parser
from promotion.showing.report import Report

_OBSERVE = """Count the scheduled runs of what an environment runs, in its cluster, and keep that as evidence.

examples:
  scripts/promote.py observe dev                                  namespace dev of kubectl's current context
  scripts/promote.py observe dev --context kind-data --namespace mage"""


def main(arguments: Sequence[str]) -> int:
    """Run `promote.py observe`."""
    parser = make_parser(_OBSERVE, "promote.py observe")
    parser.add_argument("environment", metavar="ENV", help="an environment")
    parser.add_argument("--context", metavar="NAME", help="of kubectl; the current one by default")
    parser.add_argument("--namespace", metavar="NAME", help="the environment's name by default")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.cluster.scheduler import Cluster
        from promotion.commands.observe import observe
        from promotion.repository.git import Repository

        cluster = Cluster(options.context, options.namespace or options.environment)
        with Repository.find(Path.cwd()) as repository:
            return observe(repository, options.environment, cluster, report=report)

    return run(parser, arguments, command)
