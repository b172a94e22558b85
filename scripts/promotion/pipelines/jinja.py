"""What a text that Mage renders with Jinja asks for: environment variables and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from basics.yaml_file import LOADER, load_mapping
from promotion.pipelines.secret_stores import FUNCTIONS

VARIABLE = "env_var"
SUPPLIED = "supplied-by-jinja"  # stands for an expression without a default

_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_STATEMENT = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_CALL = re.compile(rf"\b({VARIABLE}|{'|'.join(FUNCTIONS)})\(\s*(?:\w+\s*=\s*)?['\"]([^'\"]+)['\"]\s*([,)])")
_LITERAL = re.compile(r",\s*['\"]\s*[^'\"\s]")  # `env_var('NAME', 'value')`
# `default` without `true` gives a variable that is not set no value: `os.getenv` returns None, which is defined.
_OTHERWISE = re.compile(r"\b(or|if)\b|\|\s*d(efault)?\([^)]*\b[Tt]rue\s*\)")


class Asked(NamedTuple):
    """A call without a default in a template: `function('name')`."""

    function: str
    name: str
    line: int


class Leaf(NamedTuple):
    """One value of a YAML file: its keys from the top, its line, its text without Jinja, and what it asks for."""

    keys: tuple[str, ...]
    line: int
    text: str
    asked: tuple[Asked, ...]


def is_expression(text: str) -> bool:
    """Tell whether Jinja computes (a part of) `text`."""
    return bool(_EXPRESSION.search(text) or _STATEMENT.search(text))


def load_template(path: str, text: str) -> dict[str, Any]:
    """Parse `text`, which is YAML once Jinja has rendered it; raise `Malformed` as `load_mapping` does.

    Each branch of an `{% if … %}` may have the same key.
    """
    return load_mapping(path, without_jinja(text), unique=not _STATEMENT.search(text))


def without_jinja(text: str) -> str:
    """Return `text` as YAML with the same lines: a stand-in for each expression, nothing for each statement."""
    return _EXPRESSION.sub(_stand_in, _without_statements(text))


def asked_in(text: str) -> list[Asked]:
    """Return what `text` asks for when it is rendered, without what has a default or is in a comment line."""
    if "{{" not in text:  # nearly every file
        return []
    code = "\n".join(_uncommented(line) for line in _without_statements(text).split("\n"))
    return [asked for match in _EXPRESSION.finditer(code) for asked in _asked(match)]


def leaves(text: str) -> Iterator[Leaf]:
    """Yield the values of `text`, which is YAML once Jinja has rendered it; nothing if it is not."""
    plain = _without_statements(text)
    expressions = list(_EXPRESSION.finditer(plain))
    stand = without_jinja(text)
    try:
        root = yaml.compose(stand, Loader=LOADER)
    except (yaml.YAMLError, RecursionError):
        return
    for keys, node in _scalars(root, ()):
        before = stand.count(SUPPLIED, 0, node.start_mark.index)
        here = stand.count(SUPPLIED, node.start_mark.index, node.end_mark.index)
        asked = (each for match in expressions[before : before + here] for each in _asked(match))
        yield Leaf(keys, node.start_mark.line + 1, node.value, tuple(asked))


def _without_statements(text: str) -> str:
    return _STATEMENT.sub(lambda statement: "\n" * statement[0].count("\n"), text)


def _stand_in(expression: re.Match[str]) -> str:
    has_default = _LITERAL.search(expression[1])
    return (f"{SUPPLIED}-with-default" if has_default else SUPPLIED) + "\n" * expression[0].count("\n")


def _uncommented(line: str) -> str:
    return "" if line.lstrip().startswith(("#", "--")) else line


def _asked(expression: re.Match[str]) -> Iterator[Asked]:
    if _OTHERWISE.search(expression[1]):
        return
    for call in _CALL.finditer(expression[1]):
        if call[1] != VARIABLE or call[3] == ")":  # a second argument of the others is no default
            line = expression.string.count("\n", 0, expression.start(1) + call.start()) + 1
            yield Asked(call[1], call[2], line)


def _scalars(node: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the scalars below `node`; `keys` leads to it. An alias is read where its anchor is."""
    waiting, read = [(keys, node)], set()
    while waiting:
        keys, node = waiting.pop(0)
        if node is None or id(node) in read:
            continue
        read.add(id(node))
        if isinstance(node, yaml.MappingNode):
            waiting += [((*keys, str(key.value)), value) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [((*keys, f"[{number}]"), value) for number, value in enumerate(node.value)]
        else:
            yield keys, node
