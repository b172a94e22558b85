"""The other pipelines that a Python block starts or waits for, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

# Mage's functions whose first argument, `pipeline_uuid`, names a pipeline (mage_ai.orchestration, 0.9.80).
_FUNCTIONS = {"trigger_pipeline", "check_status"}


@cache
def called_pipelines(text: str) -> tuple[str, ...]:
    """Return the names that stand as literal text in `text`; none of a file that does not parse."""
    try:
        nodes = ast.walk(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the static gate says so
        return ()
    calls = (node for node in nodes if isinstance(node, ast.Call) and _name(node.func) in _FUNCTIONS)
    return tuple(name for call in calls for name in _first_argument(call))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _first_argument(call: ast.Call) -> Iterator[str]:
    named = (keyword.value for keyword in call.keywords if keyword.arg == "pipeline_uuid")
    for value in (*call.args[:1], *named):
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value
