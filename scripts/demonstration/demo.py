"""Show the whole story on this machine: from main to prod and back.

It promotes real pipelines, with real data, in a scratch folder that is removed
at the end. It writes the page demo/index.html.

examples:
  scripts/demo.py
  scripts/demo.py --keep
      keep the scratch clone and its remote, to go on from there
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from promotion.cli.arguments import argument
from promotion.showing.result import Result

TAKES = (argument("--keep", action="store_true", help="keep the scratch clone and its remote"),)


def run(options: Namespace) -> Iterable[Result]:
    """Show what the commit of the clone that this file belongs to can do."""
    from demonstration.show import show

    show(Path(__file__).resolve().parents[2], keep=options.keep)
    return ()
