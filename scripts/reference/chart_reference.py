"""Write the table of all values into charts/mage/README.md.

They come from values.schema.json and values.yaml; `git diff` shows whether that
was due.

examples:
  scripts/chart_reference.py
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from promotion.showing.result import Result

TAKES = ()


def run(options: Namespace) -> Iterable[Result]:
    """Write the table."""
    from reference.table import write

    write(Path(__file__).resolve().parents[2] / "charts" / "mage")
    return ()
