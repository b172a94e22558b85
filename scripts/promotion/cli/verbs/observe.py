"""Count an environment's scheduled runs, and keep the evidence.

examples:
  scripts/promote.py observe dev
      the namespace dev of kubectl's current context
  scripts/promote.py observe dev --context kind-data --namespace mage
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import ENVIRONMENT, OUTPUT, argument
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (
    ENVIRONMENT,
    argument("--context", metavar="NAME", help="of kubectl; the current one by default"),
    argument("--namespace", metavar="NAME", help="the environment's name by default"),
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Observe the environment."""
    from basics.kubectl import Namespace
    from promotion.commands.observe import observe

    cluster = Namespace(options.namespace or options.environment, context=options.context)
    with clone() as repository:
        yield from observe(repository, options.environment, cluster)
