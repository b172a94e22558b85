"""Count an environment's scheduled runs, and keep the evidence.

examples:
  scripts/promote.py observe dev
      in the cluster and the namespace that the policy of dev names
  scripts/promote.py observe dev --context kind-data --namespace mage
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import CLUSTER, ENVIRONMENT, OUTPUT
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (
    ENVIRONMENT,
    *CLUSTER,
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Observe the environment."""
    from promotion.commands.observe import observe

    with clone() as repository:
        yield from observe(repository, options.environment, options.context, options.namespace)
