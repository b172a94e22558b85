"""Lock the packages of the image and of this machine.

Write the packages of your blocks into mage_project/requirements.txt, those of
a dbt project into the requirements.txt beside its dbt_project.yml. This
command finds versions that fit each other and Mage, and writes them into
requirements.txt (what the image installs) and requirements-dev.txt (what this
machine installs at the next `make .venv/installed`). A version that still fits
stays.

examples:
  scripts/lock.py
      or make lock; run it after each change of your packages
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from promotion.cli.arguments import OUTPUT
from promotion.showing.result import Result

TAKES = OUTPUT


def run(options: Namespace) -> Iterator[Result]:
    """Lock the packages of the clone that this file belongs to."""
    from promotion.commands.lock import lock

    yield from lock(Path(__file__).resolve().parents[3])
