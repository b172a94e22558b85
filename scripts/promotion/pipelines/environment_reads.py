"""The environment variables and secrets that code in Python and R reads, and fails without."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from promotion.pipelines import secret_stores
from promotion.pipelines.references.expressions import dotted_name
from promotion.pipelines.syntax_tree import SyntaxTree

_OF_ANY_VALUE = (ast.Is, ast.IsNot, ast.Eq, ast.NotEq, ast.In, ast.NotIn)  # comparisons that None can take
_KEY_ERRORS = {"KeyError", "LookupError", "Exception", "BaseException"}
_GETENV = re.compile(r"\bSys\.getenv\(\s*(?:\w+\s*=\s*)?['\"]([^'\"]+)['\"]\s*\)")


def python_reads(text: str, syntax: SyntaxTree) -> Iterator[tuple[str, int]]:
    """Yield the names that `text` reads without a default, with their lines.

    Code that sets the name, asks whether it is there, catches that it is not, or only tests the value, goes on
    without it.
    """
    if "environ" not in text and "getenv" not in text:  # nearly every file
        return
    names = _Names(syntax)
    harmless = _tested(syntax) | _not_run(syntax)
    optional = {name for node in syntax.of(ast.Subscript, ast.Compare, ast.Call) for name in names.handled(node)}
    for node in syntax.of(ast.Call, ast.Subscript):
        if node not in harmless:
            yield from ((name, node.lineno) for name in names.read(node) if name not in optional)


def r_reads(text: str) -> Iterator[tuple[str, int]]:
    """Yield the names that R reads without a default, with their lines."""
    if "getenv" not in text:
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.lstrip().startswith("#"):
            yield from ((match[1], number) for match in _GETENV.finditer(line))


def secret_reads(text: str, syntax: SyntaxTree) -> Iterator[tuple[str, str, int]]:
    """Yield the secrets that `text` asks Mage for, each as its store, its name and the line."""
    if not any(function in text for _, function in secret_stores.PYTHON):  # nearly every file
        return
    functions = {
        alias.asname or alias.name: secret_stores.PYTHON[node.module or "", alias.name]
        for node in syntax.of(ast.ImportFrom)
        for alias in node.names
        if (node.module or "", alias.name) in secret_stores.PYTHON
    }
    for call in syntax.of(ast.Call):
        if isinstance(call.func, ast.Name) and call.func.id in functions and call.args:
            yield from ((functions[call.func.id], name, call.lineno) for name in _literal(call.args[0]))


class _Names:
    """What calls and subscripts of one file do with names of environment variables."""

    def __init__(self, syntax: SyntaxTree) -> None:
        self._aliases = dict(_aliases_of_os(syntax))

    def read(self, node: ast.Call | ast.Subscript) -> Iterator[str]:
        """Yield the name that `node` reads without a default."""
        if isinstance(node, ast.Subscript):
            if isinstance(node.ctx, ast.Load) and self._is(node.value, "os.environ"):
                yield from _literal(node.slice)
        elif self._is(node.func, "os.getenv", "os.environ.get"):
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
            yield from _literal(arguments[0]) if len(arguments) == 1 else ()  # a second argument is the default

    def handled(self, node: ast.Call | ast.Subscript | ast.Compare) -> Iterator[str]:
        """Yield the name that `node` sets, or whose presence it tests."""
        match node:
            case ast.Subscript(ctx=ast.Store(), value=value, slice=name) if self._is(value, "os.environ"):
                yield from _literal(name)
            case ast.Compare(left=name, ops=[ast.In() | ast.NotIn()], comparators=[value]):
                yield from _literal(name) if self._is(value, "os.environ") else ()
            case ast.Call(func=function, args=[name, *_]) if self._is(function, "os.environ.setdefault"):
                yield from _literal(name)
            case ast.Call(func=function, args=given, keywords=named) if self._is(function, "os.environ.update"):
                yield from (each.arg for each in named if each.arg)
                keys = (key for each in given if isinstance(each, ast.Dict) for key in each.keys if key)
                yield from (name for key in keys for name in _literal(key))

    def _is(self, node: ast.AST, *names: str) -> bool:
        first, dot, rest = dotted_name(node).partition(".")
        return self._aliases.get(first, first) + dot + rest in names


def _aliases_of_os(syntax: SyntaxTree) -> Iterator[tuple[str, str]]:
    """Yield every alias of `os` or of a name in it, with the full name."""
    for node in syntax.of(ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            yield from ((alias.asname or "os", "os") for alias in node.names if alias.name == "os")
        elif node.module == "os" and not node.level:
            yield from ((alias.asname or alias.name, f"os.{alias.name}") for alias in node.names)


def _tested(syntax: SyntaxTree) -> set[ast.AST]:
    """Return the calls of which only the truth counts, also later, and all but the last of an `or`."""
    found: set[ast.AST] = set()
    needed: set[ast.AST] = set()
    for node in syntax.of(ast.If, ast.IfExp, ast.While, ast.BoolOp, ast.UnaryOp, ast.Compare):
        match node:
            case ast.If(test=test, body=body) if any(isinstance(part, ast.Raise) for part in body):
                needed.update(ast.walk(test))
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                found.add(test)
            case ast.BoolOp(op=ast.Or(), values=[*values, _]):
                found.update(values)
            case ast.UnaryOp(op=ast.Not(), operand=value):
                found.add(value)
            case ast.Compare(left=value, ops=[operator]) if isinstance(operator, _OF_ANY_VALUE):
                found.add(value)
    tested = _names(found - needed) - _names(needed)
    for node in syntax.of(ast.Assign):
        if _names(set(node.targets)) & tested:
            found.add(node.value)
    return {node for node in found - needed if isinstance(node, ast.Call)}


def _names(nodes: set[ast.AST]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _not_run(syntax: SyntaxTree) -> set[ast.AST]:
    """Return what Mage does not run, and the items of a collection whose absence the code itself handles."""
    found: set[ast.AST] = set()
    for node in syntax.of(ast.If, ast.Try, ast.With):
        if _goes_on_after_key_errors(node):
            found.update(each for part in node.body for each in ast.walk(part) if isinstance(each, ast.Subscript))
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("__name__ == '__main__'", "TYPE_CHECKING"):
            found.update(each for part in node.body for each in ast.walk(part))
    return found


def _goes_on_after_key_errors(node: ast.AST) -> bool:
    match node:
        case ast.Try(handlers=handlers):
            return any(map(_handles_key_errors, handlers))
        case ast.With(items=[ast.withitem(context_expr=ast.Call(func=function, args=kinds))]):
            return dotted_name(function).rpartition(".")[2] == "suppress" and _catch_key_errors(kinds)
    return False


def _handles_key_errors(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    raises = any(isinstance(each, ast.Raise) for part in handler.body for each in ast.walk(part))
    return not raises and _catch_key_errors(kinds)


def _catch_key_errors(kinds: Iterable[ast.expr | None]) -> bool:
    return any(kind is None or dotted_name(kind) in _KEY_ERRORS for kind in kinds)


def _literal(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
