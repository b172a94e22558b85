"""Install an environment's release in its cluster, and stay until it works.

Shows what would change, asks, installs the head of the branch env/ENV with
helm, and compares what runs with the release. What does not come up is told
with its reason, and the last release that worked comes back.

examples:
  scripts/deploy.py dev --plan           what would change in the cluster
  scripts/deploy.py dev                  show it, ask, install
  scripts/deploy.py prod --yes --keep    leave a failure as it is, to look at it
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import ENVIRONMENT, MODE, OUTPUT, argument
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (
    ENVIRONMENT,
    argument("--context", metavar="NAME", help="of kubectl; refused unless it is the one in the policy"),
    *MODE,
    argument("--keep", action="store_true", help="do not go back if it does not work"),
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Deploy."""
    from promotion.commands.deploy import deploy

    with clone() as repository:
        yield from deploy(repository, options.environment, options.context, mode=options.mode, keep=options.keep)
