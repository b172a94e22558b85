"""`lock.py`: write the versions of all packages, and show what changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from basics import progress
from promotion.image.lock import lock_packages
from promotion.showing.result import Result, Shown


def lock(root: Path) -> Iterator[Result]:
    """Lock the packages of the clone at `root`."""
    with progress.step("find versions that fit each other"):
        changes = lock_packages(root)
    document = [{"package": each.name, "from": each.before, "to": each.after} for each in changes]
    yield Shown("packages", document, [(str(change), "") for change in changes] or [("nothing to do", "")])
