"""Secrets in clear, found by their shape or by their key; no finding shows the secret."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial

import yaml

from basics.errors import Finding
from basics.yaml_file import LOADER
from promotion.configuration.environment import Environment
from promotion.layout import PROJECT
from promotion.pipelines import io_config
from promotion.pipelines.jinja import SUPPLIED, is_expression, without_jinja
from promotion.pipelines.python_source import read_python
from promotion.repository.tree import Tree, as_text

_SENSITIVE_KEY = re.compile(
    r"PASSWORD|PASSPHRASE|SECRET|TOKEN|PRIVATE_KEY|ACCESS_KEY|API_KEY|\bPASS\b", re.IGNORECASE
)
# In code and variables, names like `tokenizer` or `token_url` are common: there the name must end with the word.
_SENSITIVE_NAME = re.compile(rf"({_SENSITIVE_KEY.pattern})[_0-9]*$", re.IGNORECASE)
_SHORTEST = 8  # characters that a secret in code has at least
# MAGE.md: api-session
# It is named like a secret, but is the same in every Mage: it tells the server that the client is the web UI.
_MAGES_OWN_KEY = "zkWlN0PkIKSN0C11CfUHUj84OT5XOJ6tDZ6bDRO2"
_SHAPES = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[0-9A-Za-z]{36,}\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}"),
    # The literal `user:password@` is an example.
    "a password in a URL": re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@'\"{}$]+:(?!(?i:password)@)[^/\s:@'\"{}$]+@"),
}
# A text without any of these, in lower case, cannot hold such a secret: true for nearly every file.
_SIGNS = (
    "-----begin",
    "akia",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "xox",
    "://",
    "pass",
    "secret",
    "token",
    "_key",
)


def secrets_in_clear(tree: Tree, paths: Iterable[str], environment: Environment) -> Iterator[Finding]:
    """Yield every line of `paths` in `tree`, and every setting of `environment`, that seems to hold a secret."""
    for name in environment.settings:
        if _SENSITIVE_KEY.search(name):
            path = f"environments/{environment.name}/values.yaml"
            problem = f"io.settings.{name} looks like a secret in clear"
            fix = "move it to io.secrets and name a Secret; then change the secret: git keeps the old text"
            yield Finding(path, None, "secret-in-clear", problem, fix)
    for schedule in environment.schedules.values():
        for name, value in schedule.variables.items():
            if _is_secret(name, value):
                path = f"environments/{environment.name}/values.yaml"
                problem = f"schedules.{schedule.name}.variables.{name} looks like a secret in clear"
                fix = "read it with os.getenv from io.secrets; then change the secret: git keeps the old text"
                yield Finding(path, None, "secret-in-clear", problem, fix)
    kinds: dict[str, list[str]] = defaultdict(list)
    for path in tree.contents(paths):
        kinds[_kind(path)].append(path)
    for kind, alike in kinds.items():
        for path, lines in tree.recall_each(f"secrets.{kind}", alike, partial(_places, kind)):
            yield from (_finding(path, number, what) for number, what in lines)


def _kind(path: str) -> str:
    """Return how a file is read; this and its content alone decide which lines look like secrets."""
    if path == io_config.PATH or path.endswith("/profiles.yml"):  # the latter is dbt's
        return "profiles"
    if path.endswith(".py"):
        return "python"
    return "pipeline" if path.startswith(f"{PROJECT}/pipelines/") and path.endswith(".yaml") else "text"


def _places(kind: str, content: bytes) -> tuple[tuple[int, str], ...]:
    """Return the lines that seem to hold a secret, each with the kind of secret."""
    text = as_text(content)
    if text is None or not _may_have_a_secret(text.lower()):
        return ()
    lines = [
        (number, what)
        for number, line in enumerate(text.splitlines(), start=1)
        for what, shape in _SHAPES.items()
        if shape.search(line)
    ]
    return (*lines, *((number, "a value for a secret key") for number in sorted(_lines_with_secrets(kind, text))))


def _may_have_a_secret(lowered: str) -> bool:
    return any(sign in lowered for sign in _SIGNS)


def _lines_with_secrets(kind: str, text: str) -> set[int]:
    """Return the lines of a module, a pipeline or io profiles that give a literal value to a secret's name."""
    if kind == "python":
        literals = read_python(text).literals
        return {line for name, value, line in literals if len(value) >= _SHORTEST and _is_secret(name, value)}
    if kind == "pipeline":
        return set(_literal_values(without_jinja(text), _SENSITIVE_NAME))
    if kind == "profiles":
        return set(_literal_values(without_jinja(text)))
    return set()


def _is_secret(name: str, value: object) -> bool:
    """Tell whether `name` is that of a secret and `value` the secret, not just another name for it."""
    if not isinstance(value, str) or value in ("", _MAGES_OWN_KEY) or is_expression(value):
        return False
    is_name = value.lower() == name.lower() or (value.isupper() and value.isidentifier() and _is_sensitive(value))
    return _is_sensitive(name) and not is_name


def _is_sensitive(name: str) -> bool:
    return bool(_SENSITIVE_NAME.search(name))


def _finding(path: str, line: int, what: str) -> Finding:
    fix = "read it with env_var or os.getenv; then change the secret: git keeps the old text"
    return Finding(path, line, "secret-in-clear", f"the line holds {what}", fix)


def _literal_values(text: str, sensitive: re.Pattern[str] = _SENSITIVE_KEY) -> Iterator[int]:
    """Yield the lines with a literal value under the key of a secret."""
    try:
        unread = [yaml.compose(text, Loader=LOADER)]
    except yaml.YAMLError:
        return  # the gate that reads the profiles reports it
    while unread:
        node = unread.pop()
        if isinstance(node, yaml.SequenceNode):
            unread += node.value
        elif isinstance(node, yaml.MappingNode):
            unread += [value for _, value in node.value]
            for key, value in node.value:
                if sensitive.search(str(key.value)) and _is_literal(value):
                    yield value.start_mark.line + 1


def _is_literal(value: yaml.Node) -> bool:
    return (
        isinstance(value, yaml.ScalarNode)
        and value.value not in ("", SUPPLIED)
        and value.tag != "tag:yaml.org,2002:null"
    )
