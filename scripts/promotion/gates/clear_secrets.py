"""Secrets in clear, found by their form or by their name; no finding shows the secret."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import yaml

from basics.errors import Finding
from basics.yaml_file import LOADER, located
from promotion.configuration.environment import Environment
from promotion.gates.secret_values import is_secret, may_have_a_secret, shapes_in
from promotion.layout import ENVIRONMENTS, PACKAGES, PROJECT
from promotion.pipelines.jinja import SUPPLIED, without_jinja
from promotion.pipelines.python_source import read_python
from promotion.repository.tree import Tree, as_text

_SHORTEST = 8  # characters that a secret in code has at least
_ASSIGNED = re.compile(r"""["']?\b([A-Za-z_][\w-]*)["']?\s*[:=]\s*["']([^"'\n]+)["']""")
_IN_ENV_FILE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*[\"']?(.*?)[\"']?\s*$")
_READ_BY_LINE = (".ipynb", ".json", ".toml", ".ini", ".cfg", ".sh")


def secrets_in_values(tree: Tree, environment: Environment) -> Iterator[Finding]:
    """Yield every setting, and every variable of a schedule, of `environment` that seems to hold a secret."""
    values = f"{ENVIRONMENTS}/{environment.name}/values.yaml"
    for finding in _of_values(values, environment):
        yield replace(located(finding, tree.text(values)), environments=(environment.name,))


def secrets_in_files(tree: Tree, paths: Iterable[str]) -> Iterator[Finding]:
    """Yield every line of `paths` in `tree` that seems to hold a secret.

    The paths need not belong to a pipeline: every file of the project is in git, and in the image.
    """
    kinds: dict[str, list[str]] = defaultdict(list)
    for path in tree.contents(paths):
        kinds[_kind(path)].append(path)
    for kind, alike in kinds.items():
        for path, lines in tree.recall_each(f"secrets.{kind}", alike, partial(_places, kind)):
            yield from (_finding(path, number, what) for number, what in lines)


def _of_values(path: str, environment: Environment) -> Iterator[Finding]:
    for name, value in environment.settings.items():
        if is_secret(name, value):
            problem = f"io.settings.{name}: this looks like a secret in clear"
            fix = "move it to io.secrets and name a Secret; then change the secret: git keeps the old text"
            yield Finding(path, None, "secret-in-clear", problem, fix)
    for schedule in environment.schedules.values():
        for name, value in schedule.variables.items():
            if is_secret(name, value):
                problem = f"schedules.{schedule.name}.variables.{name}: this looks like a secret in clear"
                fix = "read it with os.getenv from io.secrets; then change the secret: git keeps the old text"
                yield Finding(path, None, "secret-in-clear", problem, fix)


def _kind(path: str) -> str:
    """Return how a file is read; this and its content alone decide which lines look like secrets."""
    name, suffix = posixpath.basename(path), posixpath.splitext(path)[1]
    if name.startswith(".env") or suffix == ".env":
        return "variables"
    if suffix == ".py":
        return "python"
    if path.startswith((f"{PROJECT}/", f"{PACKAGES}/")):
        if suffix in (".yaml", ".yml"):
            return "yaml"
        if suffix in _READ_BY_LINE:
            return "lines"
    return "text"


def _places(kind: str, content: bytes) -> tuple[tuple[int, str], ...]:
    """Return the lines that seem to hold a secret, each with the kind of secret."""
    text = as_text(content)
    if text is None or not may_have_a_secret(text):
        return ()
    by_name = dict.fromkeys(_lines_with_secrets(kind, text), "a value for a secret key")
    return tuple(sorted({**by_name, **dict(shapes_in(text))}.items()))  # a form says more than a name


def _lines_with_secrets(kind: str, text: str) -> set[int]:
    """Return the lines that give a literal value to a secret's name."""
    if kind == "python":
        literals = read_python(text).literals
        return {line for name, value, line in literals if len(value) >= _SHORTEST and is_secret(name, value)}
    if kind == "yaml":
        return set(_of_yaml(without_jinja(text)))
    if kind == "lines":
        return set(_of_lines(text.replace('\\"', '"'), _ASSIGNED))
    return set(_of_lines(text, _IN_ENV_FILE)) if kind == "variables" else set()


def _of_lines(text: str, assigned: re.Pattern[str]) -> Iterator[int]:
    for number, line in enumerate(text.splitlines(), start=1):
        for match in assigned.finditer(line):
            if len(match[2]) >= _SHORTEST and is_secret(match[1], match[2]):
                yield number


def _finding(path: str, line: int, what: str) -> Finding:
    read = "read it with env_var or os.getenv"
    if posixpath.basename(path) == "triggers.yaml":
        read = "move the trigger to `schedules:` of the environments, and name a Secret with it as `token`"
    fix = f"{read}; then change the secret: git keeps the old text"
    return Finding(path, line, "secret-in-clear", f"the line holds {what}", fix)


def _of_yaml(text: str) -> Iterator[int]:
    """Yield the lines with a literal value under the key of a secret."""
    try:
        unread = [yaml.compose(text, Loader=LOADER)]
    except yaml.YAMLError:
        return  # the check that needs the file reports it
    while unread:
        node = unread.pop()
        if isinstance(node, yaml.SequenceNode):
            unread += node.value
        elif isinstance(node, yaml.MappingNode):
            unread += [value for _, value in node.value]
            texts = {str(key.value): value for key, value in node.value if isinstance(value, yaml.ScalarNode)}
            for name, value in texts.items():
                if _is_literal(name, value.value) and not _is_idle_token(name, texts):
                    yield value.start_mark.line + 1


def _is_idle_token(name: str, texts: Mapping[str, yaml.ScalarNode]) -> bool:
    """Tell whether the key belongs to a trigger that nobody calls: Mage gives each trigger a token.

    It asks for that of an API trigger alone (mage_ai/server/api/triggers.py).
    """
    return name == "token" and "schedule_type" in texts and texts["schedule_type"].value != "api"


def _is_literal(name: str, value: str) -> bool:
    return value != SUPPLIED and is_secret(name, value)
