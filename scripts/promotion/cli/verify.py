"""Check a folder with every static gate, or an environment's releases.

examples:
  scripts/verify.py           the clone that you stand in, for every environment
  scripts/verify.py prod      every release of prod: digests, numbers, chain
"""

from __future__ import annotations

import argparse

from promotion.cli.arguments import add_output, add_place
from promotion.cli.parser import Parser
from promotion.showing.report import Report


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    add_place(parser)
    add_output(parser)


def run(options: argparse.Namespace, report: Report) -> int:
    """Verify the place."""
    from promotion.cli.place import place
    from promotion.commands.verify import verify

    return verify(place(options.place), report=report)
