"""The syntax tree of a Python file, walked once for all questions about it."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import Any


class SyntaxTree:
    """The nodes of one module by their type."""

    def __init__(self, module: ast.Module) -> None:
        self.module = module
        self._nodes: dict[type[ast.AST], list[Any]] = defaultdict(list)
        nodes: list[ast.AST] = [module]
        for node in nodes:  # the list grows in the loop; half the time of `ast.walk`
            self._nodes[type(node)].append(node)
            for field in node._fields:
                value = None if field == "ctx" else getattr(node, field, None)  # leave out `Load` and others
                if isinstance(value, ast.AST):
                    nodes.append(value)
                elif isinstance(value, list):
                    nodes += [item for item in value if isinstance(item, ast.AST)]

    def of(self, *kinds: type[ast.AST]) -> list[Any]:
        """Return the nodes of one of `kinds`, in the order of the text; each kind must have line numbers."""
        nodes = [node for kind in kinds for node in self._nodes.get(kind, ())]
        return sorted(nodes, key=lambda node: (node.lineno, node.col_offset))
