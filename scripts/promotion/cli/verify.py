"""Check a folder with every static gate, or an environment's releases.

examples:
  scripts/verify.py           the clone that you are in, for every environment
  scripts/verify.py --all     the same, and of very many findings every one
  scripts/verify.py prod      every release of prod: digests, numbers, chain
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import ALL, OUTPUT, PLACE
from promotion.cli.place import place
from promotion.showing.result import Result

TAKES = (PLACE, ALL, *OUTPUT)


def run(options: Namespace) -> Iterator[Result]:
    """Verify the folder or the environment."""
    from promotion.commands.verify import verify

    yield from verify(place(options.place))
