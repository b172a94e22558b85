"""The imports that put other decorators over those that Mage gives to a block."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from promotion.pipelines.references.expressions import dotted_name
from promotion.pipelines.syntax_tree import SyntaxTree

# MAGE.md: decorators
_MODULE = "mage_ai.data_preparation.decorators"
_NAMESPACES = {"globals", "locals", "vars", "dir"}


class DecoratorImport(NamedTuple):
    """An import of a decorator that is used further down; it is skipped where a name of `guards` exists."""

    name: str
    line: int
    guards: frozenset[str]


def decorator_imports(text: str, syntax: SyntaxTree) -> Iterator[DecoratorImport]:
    """Yield the imports in `text` that run when Mage loads the block, unless a guard skips them.

    Mage runs a block with its decorators in the namespace. A function that is decorated with an imported one is
    unknown to Mage: the run fails with "does not have any decorated functions".
    """
    if _MODULE not in text:  # for example a module of helpers
        return
    used: dict[str, int] = {}
    for node in syntax.of(ast.FunctionDef, ast.ClassDef):
        for each in node.decorator_list:
            used.setdefault(dotted_name(each.func if isinstance(each, ast.Call) else each), node.lineno)
    for node, guards in _run(syntax.module.body, frozenset()):
        if isinstance(node, ast.ImportFrom) and node.module == _MODULE:
            bound = {alias.asname or alias.name for alias in node.names}
            for name, line in used.items():
                if bound & {name, "*"} and line > node.lineno:
                    yield DecoratorImport(name, node.lineno, guards)


def _run(statements: list[ast.stmt], guards: frozenset[str]) -> Iterator[tuple[ast.stmt, frozenset[str]]]:
    """Yield every statement that runs when the module is loaded, each with the names whose existence skips it."""
    for statement in statements:
        yield statement, guards
        match statement:
            case ast.If(test=test, body=body, orelse=otherwise):
                if dotted_name(test).rpartition(".")[2] != "TYPE_CHECKING":
                    yield from _run(body, guards | _skipped_by(test))
                if not _skipped_by(test):  # such a branch is for a name that nobody gives to the block
                    yield from _run(otherwise, guards)
            case ast.Try(body=body, handlers=handlers, orelse=otherwise, finalbody=at_last):
                yield from _run([*body, *otherwise, *at_last], guards)
                tried = frozenset(name for each in body for name in _named(each))
                for handler in handlers if tried else ():  # otherwise it is not known whether it runs
                    yield from _run(handler.body, guards | tried)
            case ast.With(body=body) | ast.For(body=body) | ast.While(body=body):
                yield from _run(body, guards)
            case ast.Match(cases=cases):
                for case in cases:
                    yield from _run(case.body, guards)


def _named(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Name):
        yield statement.value.id


def _skipped_by(test: ast.expr) -> frozenset[str]:
    """Return the names that `test` asks for: where one exists, the test fails."""
    match test:
        case ast.Compare(left=ast.Constant(value=str(name)), ops=[ast.NotIn()], comparators=[where]):
            return frozenset({name} if _is_namespace(where) else ())
        case ast.UnaryOp(op=ast.Not(), operand=ast.Compare(left=left, ops=[ast.In()], comparators=where)):
            return _skipped_by(ast.Compare(left, [ast.NotIn()], where))
        case ast.Compare(left=ast.Call() as call, ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
            return _got(call)
        case ast.UnaryOp(op=ast.Not(), operand=ast.Call() as call):
            return _got(call)
        case ast.BoolOp(op=ast.And(), values=values):
            return frozenset().union(*map(_skipped_by, values))
    return frozenset()


def _got(call: ast.Call) -> frozenset[str]:
    match call:
        case ast.Call(func=ast.Attribute(value=where, attr="get"), args=[ast.Constant(value=str(name))]):
            return frozenset({name} if _is_namespace(where) else ())
    return frozenset()


def _is_namespace(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and dotted_name(node.func) in _NAMESPACES
