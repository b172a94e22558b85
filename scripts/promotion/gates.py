"""The static gate: everything that can be said about a composed tree without running any of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from promotion.environment import Environment
from promotion.errors import Finding
from promotion.pipeline import Block, Malformed, load_mapping
from promotion.project import FOLDER, Project
from promotion.python_source import read_python
from promotion.tree import SYMLINK, Tree

_NAME = r"\(\s*['\"]([^'\"]+)['\"]\s*\)"
_ENV_VAR = re.compile(r"env_var" + _NAME)  # with a default (`env_var('X', 'd')`) the name may be absent
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
_SENSITIVE_KEY = re.compile(r"PASSWORD|PASSPHRASE|SECRET|TOKEN|PRIVATE_KEY|ACCESS_KEY|API_KEY", re.IGNORECASE)
_SECRET_TEXT = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[0-9A-Za-z]{36,}\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}"),
    "a password in a URL": re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@'\"{}$]+:[^/\s:@'\"{}$]+@"),
}
_DECORATOR = {
    "data_loader": "data_loader",
    "transformer": "transformer",
    "data_exporter": "data_exporter",
    "sensor": "sensor",
    "custom": "custom",
    "callback": "callback",
    "conditional": "condition",
}


def static_findings(project: Project, environment: Environment) -> list[Finding]:
    """Return what is wrong with `project` as a release of `environment`; empty means that the gate says yes."""
    checks: tuple[Callable[[Project, Environment], Iterator[Finding]], ...] = (
        _closures,
        _blocks,
        _environment_variables,
        _profiles,
        _needs,
        _schedules,
        _secrets_in_clear,
    )
    return sorted({finding for check in checks for finding in check(project, environment)}, key=_by_place)


def _by_place(finding: Finding) -> tuple[str, int, str]:
    return (finding.path, finding.line or 0, finding.problem)


def _closures(project: Project, _: Environment) -> Iterator[Finding]:
    for name in project.pipelines:
        yield from project.closure(name).findings


def _blocks(project: Project, _: Environment) -> Iterator[Finding]:
    """Python blocks must be in the form that Mage runs."""
    for path, block in _python_blocks(project):
        source = read_python(project.tree.text(path))
        for name, line in source.unguarded:
            fix = f"write `if '{name}' not in globals():` above the import"
            yield Finding(path, line, "unguarded-decorator", f"the import of {name} replaces Mage's own", fix)
        expected = _DECORATOR.get(block.type)
        if expected and not source.error and expected not in source.decorators:
            problem = f"no function is decorated with @{expected}, so Mage has nothing to run"
            yield Finding(path, None, "decorator-missing", problem, f"decorate one function with @{expected}")


def _python_blocks(project: Project) -> Iterator[tuple[str, Block]]:
    for name in project.pipelines:
        closure = project.closure(name)
        for block in closure.pipeline.blocks if closure.pipeline else ():
            path = f"{FOLDER}/{block.configuration.get('file_path') or block.default_path}"
            if block.language == "python" and path in closure.files and _is_text(project.tree, path):
                yield path, block


def _environment_variables(project: Project, environment: Environment) -> Iterator[Finding]:
    for path in _texts(project.tree.under(FOLDER)):
        for name, line in sorted(names_in(path, project.tree.text(path))):
            if name not in environment.supplied:
                problem = f"reads {name}, which environments/{environment.name}/values.yaml does not supply"
                fix = f"add {name} to io.settings or io.secrets there, on main"
                yield Finding(path, line, "name-not-supplied", problem, fix)


def names_in(path: str, text: str) -> set[tuple[str, int]]:
    """Return the environment variables that a file reads without a default, with their lines."""
    if path.endswith(".py"):
        return set(read_python(text).environment)
    if not path.endswith((".yaml", ".yml", ".sql")):
        return set()
    lines = enumerate(text.splitlines(), start=1)
    return {(match[1], number) for number, line in lines for match in _ENV_VAR.finditer(_uncommented(line))}


def _uncommented(line: str) -> str:
    return "" if line.lstrip().startswith(("#", "--")) else line


def _profiles(project: Project, _: Environment) -> Iterator[Finding]:
    """Every io profile that a pipeline names must be in `io_config.yaml`."""
    path = f"{FOLDER}/io_config.yaml"
    try:
        # Jinja is text to Mage's YAML parser only after rendering; any value stands in for what it renders to.
        text = _JINJA.sub("x", project.tree.text(path)) if path in project.tree else ""
        profiles = load_mapping(path, text)
    except Malformed as error:
        yield error.finding
        return
    for referrer, profile, line in _profiles_named(project):
        if profile not in profiles and not _JINJA.search(profile):
            fix = f"add it to {path} (a change of the platform: promote all pipelines)"
            yield Finding(
                referrer,
                line,
                "profile-missing",
                f"names the io profile {profile!r}, which is not there",
                fix,
            )


def _profiles_named(project: Project) -> Iterator[tuple[str, str, int | None]]:
    for name in project.pipelines:
        closure = project.closure(name)
        for block in closure.pipeline.blocks if closure.pipeline else ():
            profile = block.configuration.get("data_provider_profile")
            if isinstance(profile, str):
                yield closure.pipeline.metadata_path if closure.pipeline else "", profile, None
        for path in closure.files:
            if path.endswith(".py") and _is_text(project.tree, path):
                for profile, line in read_python(project.tree.text(path)).profiles:
                    yield path, profile, line


def _needs(project: Project, _: Environment) -> Iterator[Finding]:
    for name in project.pipelines:
        pipeline = project.closure(name).pipeline
        for needed in pipeline.needs if pipeline else ():
            if needed not in project.pipelines:
                path = f"{FOLDER}/pipelines/{name}/promotion.yaml"
                problem = f"needs: the pipeline {needed} is not in this release"
                yield Finding(path, None, "needed-pipeline-missing", problem, f"promote it too: -p {needed}")


def _schedules(project: Project, environment: Environment) -> Iterator[Finding]:
    path = f"environments/{environment.name}/values.yaml"
    for schedule in environment.schedules.values():
        if schedule.pipeline not in project.pipelines:
            problem = f"schedules.{schedule.name}: the pipeline {schedule.pipeline} is not in this release"
            fix = f"promote it too (-p {schedule.pipeline}), or remove the schedule on main"
            yield Finding(path, None, "schedule-without-pipeline", problem, fix)
    for triggers in project.tree:
        if triggers.startswith(f"{FOLDER}/pipelines/") and triggers.endswith("/triggers.yaml"):
            fix = "move its triggers to `schedules:` in environments/<env>/values.yaml and delete it"
            yield Finding(triggers, None, "triggers-in-project", "schedules belong to the environments", fix)


def _secrets_in_clear(project: Project, environment: Environment) -> Iterator[Finding]:
    """No finding repeats what it found."""
    values = f"environments/{environment.name}/values.yaml"
    for name in environment.settings:
        if _SENSITIVE_KEY.search(name):
            problem = f"io.settings.{name} looks like a secret in clear"
            fix = "move it to io.secrets and name a Secret; then change the secret, git keeps what it saw"
            yield Finding(values, None, "secret-in-clear", problem, fix)
    io_config = f"{FOLDER}/io_config.yaml"
    for path in _texts(project.tree):
        for number, line in enumerate(project.tree.text(path).splitlines(), start=1):
            for what in _secrets_of_line(line, check_keys=path == io_config):
                fix = "read it with env_var or os.getenv; then change the secret, git keeps what it saw"
                yield Finding(path, number, "secret-in-clear", f"the line holds {what}", fix)


def _secrets_of_line(line: str, *, check_keys: bool) -> Iterator[str]:
    yield from (what for what, pattern in _SECRET_TEXT.items() if pattern.search(line))
    key, _, value = line.partition(":")
    value = value.split(" #")[0].strip().strip("'\"")
    if (
        check_keys
        and _SENSITIVE_KEY.search(key)
        and value
        and not _JINJA.search(value)
        and not key.lstrip().startswith("#")
    ):
        yield "a value for a secret key"


def _texts(tree: Tree) -> Iterator[str]:
    return (path for path in tree if _is_text(tree, path))


def _is_text(tree: Tree, path: str) -> bool:
    if tree[path].mode == SYMLINK:
        return False
    content = tree.read(path)
    if b"\0" in content[:8000]:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
