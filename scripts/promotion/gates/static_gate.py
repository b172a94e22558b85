"""The static gate: everything that can be checked in a composed tree without a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from basics.errors import Finding, Malformed, merged
from basics.yaml_file import load_mapping, located
from promotion.configuration.environment import Environment
from promotion.gates.block_gate import block_findings
from promotion.gates.chart import chart_findings
from promotion.gates.clear_secrets import secrets_in_files, secrets_in_values
from promotion.gates.demanded import demanded_findings
from promotion.gates.executor_settings import executor_findings
from promotion.gates.named_pipelines import named_pipeline_findings
from promotion.gates.packages import package_findings
from promotion.gates.to_fill_in import settings_to_fill_in
from promotion.layout import PACKAGES, PROJECT
from promotion.pipelines.demands import METADATA
from promotion.pipelines.jinja import load_template
from promotion.pipelines.own_name import own_names
from promotion.pipelines.project import Project
from promotion.pipelines.stand_ins import stands_for
from promotion.repository.memory import Memory
from promotion.repository.tree import SUBMODULE, SYMLINK, Tree

_CODE = (".py", ".sql", ".r", ".R")
_CODE_PATH = re.compile(r"[A-Za-z0-9_./-]+")
_PASSED = "passed"


@dataclass(frozen=True)
class Part:
    """The part of a project to check: pipelines, and paths of files."""

    pipelines: Collection[str]
    paths: Collection[str]


@dataclass(frozen=True)
class _Release:
    """What the checks read: a project as a release of each of some environments, and the part to check."""

    project: Project
    environments: Sequence[Environment]
    part: Part


def static_findings(
    project: Project, environments: Sequence[Environment], part: Part | None = None
) -> list[Finding]:
    """Return what is wrong with `project` as a release of `environments`; empty means that the gate passes.

    With a `part`, only that is checked: the rest has passed before, with the same other pipelines and the same
    shared files.
    """
    checks: tuple[Callable[[_Release], Iterator[Finding]], ...] = (
        _metadata,
        _closures,
        _blocks,
        _demanded,
        _file_names,
        _named_pipelines,
        _executors,
        _packages,
        _triggers,
        _links,
        _secrets,
        _to_fill_in,
        _chart,
    )
    release = _Release(project, environments, part or Part(project.pipelines, project.tree))
    return merged(finding for check in checks for finding in check(release))


def passes(project: Project, environment: Environment, commit: str) -> bool:
    """Tell whether the gate passes for the release `commit` of `environment`, which is `project`; remembered."""
    return project.tree.memory.recall(_PASSED, commit, lambda: not static_findings(project, [environment]))


def remember_passed(memory: Memory, commit: str) -> None:
    """Remember that the gate passed for what is now the release `commit`."""
    memory.remember(_PASSED, commit, value=True)


def _metadata(release: _Release) -> Iterator[Finding]:
    """The project's own settings: where Mage cannot read them, it does not start."""
    if METADATA in release.part.paths:
        try:
            load_template(METADATA, release.project.tree.text(METADATA))
        except Malformed as error:
            yield error.finding


def _closures(release: _Release) -> Iterator[Finding]:
    for name in release.part.pipelines:
        yield from release.project.summaries[name].findings


def _blocks(release: _Release) -> Iterator[Finding]:
    for name in release.part.pipelines:
        yield from block_findings(release.project, name)


def _demanded(release: _Release) -> Iterator[Finding]:
    yield from demanded_findings(release.project, release.environments, release.part.pipelines)


def _file_names(release: _Release) -> Iterator[Finding]:
    """Refuse names that git, Mage or Python would not find again."""
    for path in release.project.claimed & set(release.part.paths):
        allowed = _CODE_PATH.fullmatch(path) if path.endswith(_CODE) else not re.search("['\"]", path)
        if path.startswith(f"{PROJECT}/") and not (allowed and path.isprintable()):
            shown = ascii(path)[1:-1]
            fix = "rename it: letters A-Z, digits, `_`, `-` and `.`"
            yield Finding(shown, None, "bad-name", "the path has a character that some tools cannot read", fix)


def _executors(release: _Release) -> Iterator[Finding]:
    for environment in release.environments:
        yield from executor_findings(release.project, environment, release.part.pipelines)


def _named_pipelines(release: _Release) -> Iterator[Finding]:
    yield from named_pipeline_findings(release.project, release.environments, release.part.pipelines)


def _packages(release: _Release) -> Iterator[Finding]:
    yield from package_findings(release.project, release.part.pipelines)


def _triggers(release: _Release) -> Iterator[Finding]:
    tree = release.project.tree
    for path in release.part.paths:
        if path.startswith(f"{PROJECT}/pipelines/") and path.endswith("/triggers.yaml"):
            text = tree.text(path) if tree.is_text(path) else "?"
            if _has_triggers(path, text):
                problem = "triggers: they belong to the environments, as schedules"
                fix = "move them to `schedules:` in environments/<env>/values.yaml and delete the file"
                yield located(Finding(path, None, "triggers-in-project", problem, fix), text)


def _has_triggers(path: str, text: str) -> bool:
    """Tell whether the file has triggers: Mage leaves an empty one when the last of them is deleted."""
    try:
        return bool(load_mapping(path, text, unique=False).get("triggers"))
    except Malformed:
        return True


def _links(release: _Release) -> Iterator[Finding]:
    """A link must lead to a file in its own top folder: a release is written to other folders without the rest."""
    tree = release.project.tree
    named = [f"{PACKAGES}/{name}" for name in own_names(tree)]
    for path in named[1:]:
        problem = f"the project has another name, {own_names(tree)[0]}, and Mage knows it by one only"
        yield Finding(path, None, "two-names", problem, "keep the name by which the code imports the project")
    for path, file in tree.items():
        if file.mode == SYMLINK and path not in named and not _leads_to_a_file(tree, path):
            if stands_for(tree, path):
                continue  # a pipeline that needs it has a finding
            problem = f"the symbolic link to {tree.link(path)} does not lead to a file below {path.split('/')[0]}/"
            yield Finding(path, None, "symlink-outside-project", problem, "replace the link by the file")
        if file.mode == SUBMODULE:
            problem = "the files of a submodule are not part of this repository"
            yield Finding(path, None, "submodule", problem, "add the files themselves")


def _leads_to_a_file(tree: Tree, link: str) -> bool:
    seen: set[str] = set()
    path = link
    while path in tree and tree[path].mode == SYMLINK and path not in seen:
        seen.add(path)
        path = tree.linked(path)
    return path in tree and path not in seen and path.split("/")[0] == link.split("/")[0]


def _secrets(release: _Release) -> Iterator[Finding]:
    tree = release.project.tree
    yield from secrets_in_files(tree, release.part.paths)
    for environment in release.environments:
        yield from secrets_in_values(tree, environment)


def _to_fill_in(release: _Release) -> Iterator[Finding]:
    for environment in release.environments:
        yield from settings_to_fill_in(release.project.tree, environment)


def _chart(release: _Release) -> Iterator[Finding]:
    for environment in release.environments:
        yield from chart_findings(release.project.tree, environment.name)
