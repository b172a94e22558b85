"""Watch a release in its cluster, and answer its failures.

examples:
  scripts/promote.py watch prod
      wait for the installation, then watch as long as the policy of prod says
  scripts/promote.py watch prod --yes
      without a question before it takes back or holds what fails
  scripts/promote.py watch prod --once --yes
      judge what is there now, for a job that runs by the clock
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import CLUSTER, ENVIRONMENT, MODE, OUTPUT, argument
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (
    ENVIRONMENT,
    *CLUSTER,
    argument("--once", action="store_true", help="do not wait: judge what is there now"),
    *MODE,
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Watch the environment."""
    from promotion.commands.watch import watch

    with clone() as repository:
        yield from watch(
            repository,
            options.environment,
            options.context,
            options.namespace,
            mode=options.mode,
            once=options.once,
        )
