"""The static gate: everything that can be checked in a composed tree without a run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from basics.errors import Finding, Malformed
from basics.wording import near
from promotion.configuration.environment import Environment
from promotion.gates.block_gate import block_findings
from promotion.gates.chart import chart_findings
from promotion.gates.clear_secrets import secrets_in_clear
from promotion.gates.named_pipelines import named_pipeline_findings
from promotion.gates.packages import package_findings
from promotion.layout import PACKAGES, PROJECT
from promotion.pipelines import io_config
from promotion.pipelines.own_name import own_names
from promotion.pipelines.project import Project
from promotion.pipelines.python_source import python_sources, read_python
from promotion.repository.memory import Memory
from promotion.repository.tree import SUBMODULE, SYMLINK, Tree

# How SQL, YAML and R read a variable; one with a default (`env_var('X', 'd')`) may be missing.
_NAME = r"\(\s*(?:\w+\s*=\s*)?['\"]([^'\"]+)['\"]\s*\)"
_ENV_VAR, _GETENV = re.compile(r"\benv_var" + _NAME), re.compile(r"\bSys\.getenv" + _NAME)
_READERS = {".yaml": _ENV_VAR, ".yml": _ENV_VAR, ".sql": _ENV_VAR, ".r": _GETENV, ".R": _GETENV, ".py": None}
_OF_EVERY_PROCESS = {"HOME", "PATH", "USER", "HOSTNAME", "TMPDIR", "PWD", "LANG", "TZ", "MAGE_REPO_PATH"}

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
    """What the checks read: a project as a release of an environment, and the part to check."""

    project: Project
    environment: Environment
    part: Part


def static_findings(project: Project, environment: Environment, part: Part | None = None) -> list[Finding]:
    """Return what is wrong with `project` as a release of `environment`; empty means that the gate passes.

    With a `part`, only that is checked: the rest has passed before, with the same other pipelines and the same
    shared files.
    """
    checks: tuple[Callable[[_Release], Iterator[Finding]], ...] = (
        _closures,
        _blocks,
        _environment_variables,
        _file_names,
        _connections,
        _profiles,
        _named_pipelines,
        _packages,
        _triggers,
        _links,
        _secrets,
        _chart,
    )
    release = _Release(project, environment, part or Part(project.pipelines, project.tree))
    return sorted({finding for check in checks for finding in check(release)}, key=_by_path)


def passes(project: Project, environment: Environment, commit: str) -> bool:
    """Tell whether the gate passes for the release `commit` of `environment`, which is `project`; remembered."""
    return project.tree.memory.recall(_PASSED, commit, lambda: not static_findings(project, environment))


def remember_passed(memory: Memory, commit: str) -> None:
    """Remember that the gate passed for what is now the release `commit`."""
    memory.remember(_PASSED, commit, value=True)


def _by_path(finding: Finding) -> tuple[str, int, str]:
    return (finding.path, finding.line or 0, finding.problem)


def _closures(release: _Release) -> Iterator[Finding]:
    for name in release.part.pipelines:
        yield from release.project.summaries[name].findings


def _blocks(release: _Release) -> Iterator[Finding]:
    for name in release.part.pipelines:
        yield from block_findings(release.project, name)


def _environment_variables(release: _Release) -> Iterator[Finding]:
    environment = release.environment
    known = environment.supplied | _OF_EVERY_PROCESS
    for path, name, line in _variables_read(release.project.tree, release.part.paths):
        if name not in known:
            problem = f"reads {name}, which environments/{environment.name}/values.yaml does not supply"
            fix = f"add {name} to io.settings or io.secrets there, on main"
            yield Finding(path, line, "name-not-supplied", problem, fix)


def _variables_read(tree: Tree, paths: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    by_suffix: dict[str, list[str]] = {suffix: [] for suffix in _READERS}
    for path in tree.texts(path for path in paths if path.startswith(f"{PROJECT}/")):
        by_suffix.get(posixpath.splitext(path)[1], []).append(path)
    for suffix, paths in by_suffix.items():
        for path, names in tree.recall_each(f"variables{suffix}", paths, partial(_variables, suffix)):
            yield from ((path, *name) for name in names)


def _variables(suffix: str, content: bytes) -> list[tuple[str, int]]:
    return sorted(names_in(suffix, content.decode()))


def names_in(suffix: str, text: str) -> set[tuple[str, int]]:
    """Return the environment variables that a file `….suffix` reads without a default, with their lines."""
    reader = _READERS[suffix]
    if reader is None:
        return set(read_python(text).environment)
    if not reader.search(text):  # nearly every file
        return set()
    code = "\n".join(_uncommented(line) for line in text.split("\n"))
    return {(match[1], code.count("\n", 0, match.start()) + 1) for match in reader.finditer(code)}


def _uncommented(line: str) -> str:
    return "" if line.lstrip().startswith(("#", "--")) else line


def _file_names(release: _Release) -> Iterator[Finding]:
    """Refuse names that git, Mage or Python would not find again."""
    for path in release.project.claimed & set(release.part.paths):
        allowed = _CODE_PATH.fullmatch(path) if path.endswith(_CODE) else not re.search("['\"]", path)
        if path.startswith(f"{PROJECT}/") and not (allowed and path.isprintable()):
            shown = ascii(path)[1:-1]
            fix = "rename it: letters A-Z, digits, `_`, `-` and `.`"
            yield Finding(shown, None, "bad-name", "the path has a character that some tools cannot read", fix)


def _connections(release: _Release) -> Iterator[Finding]:
    """`io_config.yaml` must hold only the names of variables: the same file goes to every environment."""
    for key, line in io_config.literal_connections(release.project.tree):
        fix = f"write {key}: \"{{{{ env_var('NAME') }}}}\" and supply NAME in environments/<env>/values.yaml"
        yield Finding(io_config.PATH, line, "literal-connection", f"{key} holds the value itself", fix)


def _profiles(release: _Release) -> Iterator[Finding]:
    """Every io profile that a pipeline names must be in `io_config.yaml`."""
    try:
        profiles = io_config.profiles(release.project.tree)
    except Malformed as error:
        yield error.finding
        return
    for referrer, profile, line in _profiles_named(release):
        if profile not in profiles and not io_config.is_expression(profile):
            add = f"add it to {io_config.PATH} (a change of the platform: promote all pipelines)"
            fix = f"{near(profile, profiles)}; or {add}" if profiles else add
            yield Finding(
                referrer,
                line,
                "profile-missing",
                f"names the io profile {profile!r}, which is not in io_config.yaml",
                fix,
            )


def _profiles_named(release: _Release) -> Iterator[tuple[str, str, int | None]]:
    for name in release.part.pipelines:
        yield from release.project.recall("profiles", name, _profiles_of)


def _profiles_of(project: Project, name: str) -> list[tuple[str, str, int | None]]:
    closure = project.closure(name)
    found: list[tuple[str, str, int | None]] = []
    for block in closure.pipeline.blocks if closure.pipeline else ():
        profile = block.configuration.get("data_provider_profile")
        if isinstance(profile, str):
            found.append((closure.pipeline.metadata_path if closure.pipeline else "", profile, None))
    for path, source in python_sources(project.tree, closure.files):
        found += [(path, *profile) for profile in source.profiles]
    return found


def _named_pipelines(release: _Release) -> Iterator[Finding]:
    yield from named_pipeline_findings(release.project, release.environment, release.part.pipelines)


def _packages(release: _Release) -> Iterator[Finding]:
    yield from package_findings(release.project, release.part.pipelines)


def _triggers(release: _Release) -> Iterator[Finding]:
    for triggers in release.part.paths:
        if triggers.startswith(f"{PROJECT}/pipelines/") and triggers.endswith("/triggers.yaml"):
            fix = "move its triggers to `schedules:` in environments/<env>/values.yaml and delete it"
            yield Finding(triggers, None, "triggers-in-project", "schedules belong to the environments", fix)


def _links(release: _Release) -> Iterator[Finding]:
    """A link must lead to a file in its own top folder: a release is written to other folders without the rest."""
    tree = release.project.tree
    named = [f"{PACKAGES}/{name}" for name in own_names(tree)]
    for path in named[1:]:
        problem = f"the project has another name, {own_names(tree)[0]}, and Mage knows it by one only"
        yield Finding(path, None, "two-names", problem, "keep the name by which the code imports the project")
    for path, file in tree.items():
        if file.mode == SYMLINK and path not in named and not _leads_to_a_file(tree, path):
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
    yield from secrets_in_clear(release.project.tree, release.part.paths, release.environment)


def _chart(release: _Release) -> Iterator[Finding]:
    yield from chart_findings(release.project.tree, release.environment.name)
