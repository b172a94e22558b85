"""What a Python file says about itself, read from its syntax tree: nothing of it is executed."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

_MAGE_DECORATORS = "mage_ai.data_preparation.decorators"


@dataclass(frozen=True)
class Import:
    """One imported module name; `names` are what `from module import …` asks of it."""

    module: str
    names: tuple[str, ...]
    level: int  # leading dots of a relative import
    line: int


@dataclass(frozen=True)
class PythonSource:
    """The facts that closure and gates need of one file."""

    imports: tuple[Import, ...] = ()
    environment: tuple[tuple[str, int], ...] = ()  # names read without a default, with their lines
    profiles: tuple[tuple[str, int], ...] = ()  # io profiles named in the code, with their lines
    unguarded: tuple[tuple[str, int], ...] = ()  # Mage decorators imported over the injected ones
    decorators: frozenset[str] = frozenset()
    error: tuple[str, int] | None = None


@cache
def read_python(text: str) -> PythonSource:
    """Parse `text`; a syntax error is returned in `error`, not raised."""
    try:
        module = ast.parse(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(module, "<block>", "exec", dont_inherit=True)  # finds what parsing lets pass: a stray return
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return PythonSource(error=(str(getattr(error, "msg", error)), getattr(error, "lineno", None) or 1))
    nodes = list(ast.walk(module))
    return PythonSource(
        imports=tuple(_imports(nodes)),
        environment=tuple(_environment_names(nodes)),
        profiles=tuple(_profiles(nodes)),
        unguarded=tuple(_unguarded(module)),
        decorators=frozenset(_decorators(nodes)),
    )


def _imports(nodes: list[ast.AST]) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, (), 0, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            yield Import(node.module or "", tuple(alias.name for alias in node.names), node.level, node.lineno)


def _environment_names(nodes: list[ast.AST]) -> Iterator[tuple[str, int]]:
    for node in nodes:
        if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
            if _name(node.func) in {"os.getenv", "getenv", "os.environ.get", "environ.get"}:
                yield from _literal(node.args[0])
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):  # writing needs no supply
            yield from _literal(node.slice) if _name(node.value) in {"os.environ", "environ"} else ()


def _profiles(nodes: list[ast.AST]) -> Iterator[tuple[str, int]]:
    for node in nodes:
        if isinstance(node, ast.Call) and _name(node.func).endswith("ConfigFileLoader"):
            if len(node.args) > 1:
                yield from _literal(node.args[1])
            for keyword in node.keywords:
                if keyword.arg in {"profile", "config_profile"}:
                    yield from _literal(keyword.value)


def _unguarded(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Name the decorators that an import puts over Mage's own as soon as the block is loaded.

    Mage runs a block with its decorators in the namespace; an import that replaces them makes the run
    fail with "does not have any decorated functions". Inside an `if … not in globals()` it is harmless.
    """
    for node in _executed_at_once(module.body):
        if isinstance(node, ast.ImportFrom) and node.module == _MAGE_DECORATORS:
            for alias in node.names:
                yield alias.asname or alias.name, node.lineno


def _executed_at_once(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield every statement that loading the module runs, but for what a test of `globals()` guards."""
    for statement in statements:
        yield statement
        guarded = isinstance(statement, ast.If) and _calls_globals(statement.test)
        if not guarded and not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for part in ("body", "orelse", "finalbody"):
                yield from _executed_at_once(getattr(statement, part, []))


def _calls_globals(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Call) and _name(node.func) == "globals" for node in ast.walk(test))


def _decorators(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                yield _name(decorator.func if isinstance(decorator, ast.Call) else decorator)


def _literal(node: ast.AST) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value, node.lineno


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
