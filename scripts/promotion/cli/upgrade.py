"""Take the next version of this repository, of which yours is a copy.

It brings chart, scripts, tests and documentation. Your project and your
environments stay as they are, and so does what you changed elsewhere. The
upgrade is one commit on a new branch: nothing that is checked out changes.

examples:
  scripts/upgrade.py https://git.example.com/template.git v0.3.0 --plan
      what the tag v0.3.0 would change
  scripts/upgrade.py ../template
      what is checked out in a clone of it
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import MODE, OUTPUT, argument
from promotion.cli.place import clone
from promotion.showing.result import Result

TAKES = (
    argument("template", metavar="FROM", help="a clone of the newer repository, a remote's name or a URL"),
    argument("ref", metavar="REF", nargs="?", help="a tag or a branch there (what is checked out there)"),
    *MODE,
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Upgrade."""
    from promotion.commands.upgrade import upgrade

    with clone() as repository:
        yield from upgrade(repository, options.template, options.ref, mode=options.mode)
