"""Write every generated page: commands, JSON output, values of the chart.

`git diff` shows whether anything was out of date.

examples:
  scripts/write_reference.py
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from promotion.showing.result import Result

TAKES = ()


def run(options: Namespace) -> Iterable[Result]:
    """Write the pages of the clone that this file belongs to."""
    from reference.pages import write

    write(Path(__file__).resolve().parents[2])
    return ()
