"""Start PostgreSQL and Mage's web UI on mage_project/, until Ctrl-C.

What you do there stays in .local/ for the next start.

examples:
  scripts/dev.py        prints the address and the password, then waits
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from promotion.showing.report import Report

TAKES = ()


def run(options: Namespace, report: Report) -> int:
    """Serve the clone that this file belongs to."""
    from promotion.commands.dev import main

    return main(Path(__file__).resolve().parents[3])
