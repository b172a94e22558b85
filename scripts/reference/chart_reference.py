"""Write the table of all values into charts/mage/README.md.

They come from values.schema.json and values.yaml; `git diff` shows whether that
was due.

examples:
  scripts/chart_reference.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

from promotion.cli.parser import Parser
from promotion.showing.report import Report


def add_arguments(parser: Parser) -> None:
    """Add nothing."""


def run(options: argparse.Namespace, report: Report) -> int:
    """Write the table."""
    from reference.table import main

    return main(Path(__file__).resolve().parents[2] / "charts" / "mage")
