"""Bring a Mage project that exists into this repository.

It makes one commit on a new branch: the project, its packages, and
environments for it. The example goes to examples/flights. Nothing that is
checked out changes, and nothing in FOLDER.

examples:
  scripts/adopt.py ../our-mage/unit_3 --plan
      what would come, change and stay behind
  scripts/adopt.py ../our-mage
      the one project in a repository
  scripts/adopt.py ../our-mage --triggers-from https://mage.example.com
      with the triggers that people made in Mage's UI
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from promotion.cli.arguments import MODE, OUTPUT, argument
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (
    argument("folder", metavar="FOLDER", type=Path, help="a Mage project, or a folder with one project in it"),
    argument(
        "--triggers-from",
        metavar="URL",
        help="also the triggers of the Mage that runs there; login in MAGE_EMAIL and MAGE_PASSWORD, read only",
    ),
    *MODE,
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Adopt."""
    from promotion.commands.adopt import adopt

    with clone() as repository:
        yield from adopt(repository, options.folder, options.triggers_from, mode=options.mode)
