"""The io profiles: `mage_project/io_config.yaml` as git has it, before Mage renders its Jinja."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from basics.yaml_file import load_mapping
from promotion.layout import PROJECT
from promotion.repository.tree import Tree

PATH = f"{PROJECT}/io_config.yaml"
SUPPLIED = "supplied-by-jinja"  # stands for an expression without a default

_EXPRESSION = re.compile(r"\{\{(.*?)\}\}")
_STATEMENT = re.compile(r"\{%.*?%\}|\{#.*?#\}")
_CONNECTION = re.compile(r"""\b(POSTGRES_(?:HOST|PORT|USER|DBNAME|PASSWORD))['"]?\s*:[ \t]*([^\s,}#][^,}]*)""")
_DEFAULT = re.compile(r",\s*['\"]\s*[^'\"\s]")  # `env_var('NAME', 'value')`


def profiles(tree: Tree) -> dict[str, Any]:
    """Return the profiles by name; raise `Malformed` where Mage could not read the file."""
    if PATH not in tree:
        return {}
    text = tree.text(PATH)
    branches = bool(_STATEMENT.search(text))  # each branch of an `{% if … %}` may then have the same key
    return load_mapping(PATH, without_jinja(text), unique=not branches)


def literal_connections(tree: Tree) -> Iterator[tuple[str, int]]:
    """Yield the parts of PostgreSQL connections that the file itself holds, each as key and line."""
    text = tree.text(PATH) if PATH in tree and tree.is_text(PATH) else ""
    for number, line in enumerate(without_jinja(text).splitlines(), start=1):
        for match in _CONNECTION.finditer(line):
            if SUPPLIED not in match[2] and match[2].strip("'\" ") and not line.lstrip().startswith("#"):
                yield match[1], number


def is_expression(text: str) -> bool:
    """Tell whether Jinja computes (a part of) `text`."""
    return bool(_EXPRESSION.search(text) or _STATEMENT.search(text))


def without_jinja(text: str) -> str:
    """Return `text` as YAML with the same lines: a stand-in for each expression, nothing for each statement."""
    return _EXPRESSION.sub(_stand_in, _STATEMENT.sub("", text))


def _stand_in(expression: re.Match[str]) -> str:
    return f"{SUPPLIED}-with-default" if _DEFAULT.search(expression[1]) else SUPPLIED
