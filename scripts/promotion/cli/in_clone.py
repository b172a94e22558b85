"""What most commands begin with: the clone that they are typed in."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.showing.report import Report

if TYPE_CHECKING:  # `--help` does without
    from promotion.repository.git import Repository


def in_clone(
    act: Callable[[Repository, argparse.Namespace, Report], int],
) -> Callable[[argparse.Namespace, Report], int]:
    """Give `act` the repository around the working folder."""

    def run(options: argparse.Namespace, report: Report) -> int:
        from promotion.repository.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return act(repository, options, report)

    return run
