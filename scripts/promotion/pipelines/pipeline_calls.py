"""The other pipelines that Python code starts or waits for by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from promotion.pipelines.references.expressions import Expressions, dotted_name
from promotion.pipelines.references.values import UNKNOWN
from promotion.pipelines.syntax_tree import SyntaxTree

# Mage's functions whose first argument, `pipeline_uuid`, names a pipeline (mage_ai.orchestration, 0.9.80).
# MAGE.md: pipeline-calls
_FUNCTIONS = ("trigger_pipeline", "check_status")


def called_pipelines(text: str, syntax: SyntaxTree) -> Iterator[tuple[str, int]]:
    """Yield the names that can be told from `text`, with their lines."""
    if not any(function in text for function in _FUNCTIONS):  # nearly every file
        return
    expressions = Expressions(syntax.module)
    for node in syntax.of(ast.Call):
        if dotted_name(node.func).rpartition(".")[2] in _FUNCTIONS:
            named = (keyword.value for keyword in node.keywords if keyword.arg == "pipeline_uuid")
            names = {name for value in (*node.args[:1], *named) for name in expressions.values(value)}
            yield from ((name, node.lineno) for name in sorted(names) if UNKNOWN not in name)
