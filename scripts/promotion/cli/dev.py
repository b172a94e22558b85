"""Start PostgreSQL and Mage's web UI on mage_project/, until Ctrl-C.

What you do there stays in .local/ for the next start.

examples:
  scripts/dev.py        prints the address and the password, then waits
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from promotion.showing.result import Result

TAKES = ()


def run(options: Namespace) -> Iterable[Result]:
    """Serve the clone that this file belongs to."""
    from promotion.commands.dev import serve

    serve(Path(__file__).resolve().parents[3])
    return ()
