"""The imports of a Python file that every run of its block executes: if one of them fails, so does the run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from promotion.pipelines.references.expressions import dotted_name
from promotion.pipelines.references.values import Import

# MAGE.md: decorators
# Mage calls the functions with these at every run of the block; those of `callback` and `test` not always.
_CALLED = {"data_loader", "transformer", "data_exporter", "sensor", "custom", "condition"}
_CATCH = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_LEAVES = ast.Return | ast.Raise | ast.Yield | ast.YieldFrom


def certain_imports(module: ast.Module) -> Iterator[Import]:
    """Yield the imports that nothing catches and no condition skips: the module's, and those of its block."""
    if not _changes_what_is_imported(module):
        yield from imports_always_run(module.body)


def _changes_what_is_imported(module: ast.Module) -> bool:
    """Tell whether the file may make modules itself, or find them in places that only its run knows."""
    return any(dotted_name(node) in ("sys.modules", "sys.meta_path") for node in ast.walk(module))


def imports_always_run(statements: Iterable[ast.stmt]) -> Iterator[Import]:
    """Yield the imports of `statements` that nothing catches and no condition skips."""
    for statement in statements:
        match statement:
            case ast.Import(names=names):
                yield from (Import(alias.name, (), 0, statement.lineno) for alias in names)
            case ast.ImportFrom(module=name, names=names, level=level):
                yield Import(name or "", tuple(alias.name for alias in names), level, statement.lineno)
            case ast.Try(body=body, handlers=handlers):
                yield from () if any(map(_catches_imports, handlers)) else imports_always_run(body)
            case ast.ClassDef(body=body):
                yield from imports_always_run(body)
            case ast.FunctionDef(body=body, decorator_list=decorators) if any(map(_is_called, decorators)):
                yield from imports_always_run(_before_it_may_end(body))


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or dotted_name(kind).rpartition(".")[2] in _CATCH for kind in caught)


def _is_called(decorator: ast.expr) -> bool:
    name = dotted_name(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return name.rpartition(".")[2] in _CALLED


def _before_it_may_end(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the first statements of a function, up to one that may leave it."""
    for statement in statements:
        if any(isinstance(node, _LEAVES) for node in ast.walk(statement)):
            return
        yield statement
