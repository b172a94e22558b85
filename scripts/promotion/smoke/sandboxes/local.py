"""Smoke runs on this machine: Mage in a process of its own, and PostgreSQL without Docker."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from promotion.configuration.environment import Environment
from promotion.pipelines.own_name import project_in
from promotion.pipelines.project import Project
from promotion.repository.tree import Tree
from promotion.smoke.warehouse import Warehouse, local_warehouse
from runtime.run import Run, RunResult, run_pipelines
from runtime.tables import TableState, snapshot


@dataclass(frozen=True)
class LocalSandbox:
    """The folder of a project and the warehouse that it is bound to."""

    project: Path
    warehouse: Warehouse

    def run(self, runs: Sequence[Run]) -> Iterator[RunResult]:
        """Do `runs` in turn. Nothing else writes here: what a sensor does not find at once, it never finds."""
        variables = self.warehouse.variables
        return run_pipelines(self.project, runs, environment=variables, sensor_seconds=1)

    def tables(self, ignore: Collection[str]) -> dict[str, TableState]:
        """Return the state of the warehouse's tables."""
        return snapshot(self.warehouse.url, ignore=ignore)


@contextmanager
def local_sandbox(tree: Tree, environment: Environment) -> Iterator[LocalSandbox]:
    """Write `tree` to a scratch folder, with a database that is dropped at the end."""
    with tempfile.TemporaryDirectory(prefix="smoke-") as folder:
        tree.write_to(Path(folder))
        project, database = project_in(Path(folder)), f"smoke_{secrets.token_hex(4)}"
        with local_warehouse(Project(tree), environment, database, drop=True) as warehouse:
            yield LocalSandbox(project, warehouse)
