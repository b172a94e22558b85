"""Explain what an error code means, and what mends it.

examples:
  scripts/promote.py explain shared-file     what `error[shared-file]` says
  scripts/promote.py explain                 list all codes
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import OUTPUT, argument
from promotion.showing.result import Result


def _codes(**_: object) -> list[str]:
    from basics.error_codes import error_codes

    return list(error_codes())


TAKES = (
    argument(
        "code",
        metavar="CODE",
        nargs="?",
        help="the code, as in `error[CODE]` (every code)",
        completer=_codes,
    ),
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Explain it."""
    from promotion.commands.explain import explain

    yield from explain(options.code)
