"""`adopt.py FOLDER`: bring a Mage project that exists into this repository, on a branch of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from basics import progress
from basics.errors import Finding
from promotion.adopting.apply import is_prepared, prepare
from promotion.adopting.plan import Adoption, plan_adoption
from promotion.commands.question import CHANGES_PLANNED, ask, refuse_without_terminal
from promotion.configuration.environment import environment_names, load_environment
from promotion.gates.static_gate import static_findings
from promotion.image.lock import conflicts
from promotion.layout import ENVIRONMENTS, PLATFORM_AND_PROJECT
from promotion.pipelines.project import Project
from promotion.repository.git import Repository
from promotion.showing.adoption import ShownAdoption, next_steps
from promotion.showing.result import Result, Shown
from promotion.triggers.running_mage import triggers_of


def adopt(repository: Repository, folder: Path, triggers_from: str | None, *, mode: str) -> Iterator[Result]:
    """Bring the Mage project in `folder` to a new branch, as one commit, and say what is left to a person.

    `triggers_from` is the address of a Mage that runs the project.
    """
    with progress.step(f"read {folder}"):
        repository.identity()
        running = triggers_of(triggers_from) if triggers_from else []
        adoption = plan_adoption(repository, folder, running)
    if adoption.is_empty:
        yield ShownAdoption(adoption)
        return
    refuse_without_terminal(mode)
    with progress.step("static gate"):
        findings = _findings(adoption)
    yield ShownAdoption(adoption, findings, exit_code=CHANGES_PLANNED if mode == "plan" else 0)
    if mode == "plan":
        return
    if not is_prepared(repository, adoption):
        ask(mode, f"Make the branch {adoption.branch}?", "no branch was made")
        prepare(repository, adoption)
    yield Shown("prepared", {"branch": adoption.branch}, next_steps(adoption, findings))


def _findings(adoption: Adoption) -> list[Finding]:
    """Return what a person has to mend before the project can be released, and before `make lock` can succeed."""
    tree = adoption.tree.under(*PLATFORM_AND_PROJECT, ENVIRONMENTS)
    project = Project(tree)
    environments = [load_environment(tree, name) for name in environment_names(tree)]
    static = static_findings(project, environments)
    refused = conflicts(adoption.tree)
    told = {(finding.path, finding.line) for finding in refused}
    return [*refused, *(finding for finding in static if (finding.path, finding.line) not in told)]
