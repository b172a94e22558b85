"""What a Python file refers to: the modules that it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from promotion.references.values import Import, References


def python_references(nodes: Sequence[ast.AST]) -> References:
    """Return what the file whose syntax tree has `nodes` refers to."""
    return References(imports=tuple(_imports(nodes)))


def _imports(nodes: Sequence[ast.AST]) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, (), 0, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            yield Import(node.module or "", tuple(alias.name for alias in node.names), node.level, node.lineno)
