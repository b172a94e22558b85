"""The chart of a release and its values, as files for helm."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from promotion.layout import CHART, ENVIRONMENTS
from promotion.record.release import FILE
from promotion.repository.tree import Tree


@contextmanager
def chart_files(tree: Tree, environment: str) -> Iterator[list[str]]:
    """Write chart, values and record of `tree`; yield what helm takes: the chart and its values, in order."""
    values = (f"{ENVIRONMENTS}/{environment}/values.yaml", FILE)
    with tempfile.TemporaryDirectory(prefix="deploy-") as folder:
        tree.under(CHART, *values).write_to(Path(folder))
        yield [str(Path(folder, CHART)), *(f"--values={Path(folder, path)}" for path in values)]
