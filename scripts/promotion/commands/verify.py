"""`verify.py`: run every static gate on a folder, or compute every digest of an environment again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from basics import progress
from basics.errors import Finding, GateRefused, UsageError, merged
from basics.wording import counted
from promotion.changes.sides import main_side
from promotion.configuration.environment import environment_names, load_environment, source_findings
from promotion.gates.static_gate import static_findings
from promotion.layout import ENVIRONMENTS, PLATFORM_AND_PROJECT, PROJECT
from promotion.pipelines.own_name import project_in
from promotion.pipelines.project import Project
from promotion.record.release import branch_of, releases
from promotion.releasing.audit import Audit
from promotion.repository.bare_clone import BareClone
from promotion.repository.git import MAIN, Repository
from promotion.repository.memory import Memory
from promotion.repository.work_tree import read_work_tree
from promotion.showing.result import Result, Shown


def verify(what: Path | str) -> Iterator[Result]:
    """Verify `what`, a folder or the name of an environment; raise `GateRefused` with all that is wrong."""
    if isinstance(what, Path):
        yield from _verify_folder(what.resolve())
        return
    with BareClone.around(Path.cwd()) or Repository.find(Path.cwd()) as repository:
        yield from _verify_environment(repository, what)


def _verify_folder(folder: Path) -> Iterator[Result]:
    from promotion.gates.mage_gate import mage_findings

    tree = read_work_tree(folder).under(*PLATFORM_AND_PROJECT, ENVIRONMENTS)
    project = Project(tree)
    names = environment_names(tree)
    if not tree.has_folder(PROJECT) or not names:
        missing = ENVIRONMENTS if tree.has_folder(PROJECT) else PROJECT
        raise UsageError("not-a-project", f"{folder} has no {missing}/", fix="name the root of a clone")
    with progress.step(f"static gate for {', '.join(names)}"):
        environments = [load_environment(tree, name) for name in names]
        findings = [*static_findings(project, environments), *source_findings(tree)]
    if not findings and project.pipelines:
        with progress.step("static gate: Mage loads every pipeline"):
            findings = list(mage_findings(project_in(folder), project.pipelines))
    _conclude(merged(findings))
    count = f"{counted(len(project.pipelines), 'pipeline')}, {counted(len(names), 'environment')}"
    yield Shown("verified", {"folder": str(folder), "pipelines": project.pipelines}, [(f"OK: {count}", "green")])


def _verify_environment(repository: Repository, name: str) -> Iterator[Result]:
    repository.fetch()
    repository.memory = Memory()  # an audit uses no cached result that lies beside a clone
    history = releases(repository, name)
    if not history and (repository.head(MAIN) or not isinstance(repository, BareClone)):
        load_environment(main_side(repository).tree, name)  # refuses an environment that does not exist
    if not history and isinstance(repository, BareClone):
        fix = f"git clone --bare --single-branch --branch {branch_of(name)} ADDRESS"
        raise UsageError("no-release", f"this bare clone has no branch {branch_of(name)}", fix=fix)
    count = counted(len(history), "release")
    with progress.step(f"compute every digest of {count}"):
        findings = list(Audit(repository, name).of_all(history))
    _conclude(findings)
    document = {"environment": name, "releases": len(history)}
    yield Shown("verified", document, [(f"OK: {count} of {name}", "green")])


def _conclude(findings: list[Finding]) -> None:
    if findings:
        count = counted(len(findings), "finding")
        fix = "fix each finding and try again; --all shows every one"
        raise GateRefused("verification-failed", count, fix=fix, findings=findings)
