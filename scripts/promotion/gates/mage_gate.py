"""The static gate's second half: Mage's own loaders read every pipeline, in a separate process."""

from __future__ import annotations

import tempfile
from pathlib import Path

from basics import progress
from basics.errors import Finding, GateCouldNotRun, GateRefused
from basics.wording import few
from promotion.layout import PACKAGES, PROJECT
from promotion.pipelines.own_name import project_in
from promotion.pipelines.project import Project
from promotion.repository.tree import Tree
from runtime.load import LoadError, load_pipelines


def refuse_what_mage_cannot_load(project: Project, names: list[str]) -> None:
    """Raise `GateRefused` with Mage's error for each of the pipelines `names` that it cannot load."""
    if names:
        step = progress.step(f"static gate: Mage loads {few(names)}")
        with step, tempfile.TemporaryDirectory(prefix="load-") as folder:
            needed(project, names).write_to(Path(folder))
            findings = mage_findings(project_in(Path(folder)), names)
        if findings:
            problem = "Mage cannot load a pipeline"
            raise GateRefused("static-gate", problem, fix="fix each finding", findings=findings)


def needed(project: Project, names: list[str]) -> Tree:
    """Return the project without the files that only other pipelines than `names` need."""
    needed = {path for name in names for path in project.closure(name).files}
    return project.tree.under(PROJECT, PACKAGES).without(project.claimed - needed)


def mage_findings(project: Path, names: list[str]) -> list[Finding]:
    """Return the errors of Mage's loaders for the pipelines `names` in the folder `project`."""
    try:
        errors = load_pipelines(project, names)
    except LoadError as error:
        raise GateCouldNotRun("mage-could-not-run", str(error), fix="make .venv/installed") from error
    return [
        Finding(
            f"{PROJECT}/pipelines/{name}/metadata.yaml", None, "mage-cannot-load", problem, "fix it and try again"
        )
        for name, problem in errors.items()
    ]
