"""What a Python file says about itself, read from its syntax tree: it is never executed."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from promotion.pipelines.decorator_imports import DecoratorImport, decorator_imports
from promotion.pipelines.environment_reads import python_reads, secret_reads
from promotion.pipelines.io_calls import Opened, opened_profiles
from promotion.pipelines.pipeline_calls import called_pipelines
from promotion.pipelines.references.expressions import dotted_name
from promotion.pipelines.references.python import python_references
from promotion.pipelines.references.values import References
from promotion.pipelines.syntax_tree import SyntaxTree
from promotion.repository.tree import Tree

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)  # blocks of streaming pipelines are classes


@dataclass(frozen=True)
class PythonSource:
    """The facts that closures and gates need of one file."""

    references: References
    environment: tuple[tuple[str, int], ...] = ()  # names read without a default, with their lines
    secrets: tuple[tuple[str, str, int], ...] = ()  # the store, the name and the line of each that Mage reads
    opened: tuple[Opened, ...] = ()  # io profiles
    decorator_imports: tuple[DecoratorImport, ...] = ()
    literals: tuple[tuple[str, str, int], ...] = ()  # name, literal text that it gets, line
    decorators: frozenset[str] = frozenset()
    begins: int = 1  # the line of the first function or class
    calls: tuple[tuple[str, int], ...] = ()  # pipelines that it starts or waits for, with their lines


def python_source(tree: Tree, path: str) -> PythonSource:
    """Return the facts of the file `path`, which must be text."""
    return tree.recall("python", path, _read)


def python_sources(tree: Tree, paths: Iterable[str]) -> list[tuple[str, PythonSource]]:
    """Return those of `paths` that are Python, each with its facts."""
    return tree.recall_each("python", tree.texts(path for path in paths if path.endswith(".py")), _read)


def _read(content: bytes) -> PythonSource:
    return read_python(content.decode())


@cache
def read_python(text: str) -> PythonSource:
    """Parse `text`; a syntax error is returned in `references.error`, not raised."""
    text = text.removeprefix("\ufeff")  # as Python does in a module; of a block, `block_gate` refuses it
    try:
        module = ast.parse(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(module, "<block>", "exec", dont_inherit=True)  # finds what parsing does not: a stray return
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        problem = (str(getattr(error, "msg", error)), getattr(error, "lineno", None) or 1)
        return PythonSource(References(error=problem))
    syntax = SyntaxTree(module)
    return PythonSource(
        references=python_references(text, syntax),
        environment=tuple(python_reads(text, syntax)),
        secrets=tuple(secret_reads(text, syntax)),
        opened=tuple(opened_profiles(text, syntax)),
        decorator_imports=tuple(decorator_imports(text, syntax)),
        literals=tuple(_literals(syntax)),
        decorators=frozenset(_decorators(syntax)),
        begins=min((node.lineno for node in syntax.of(*_DEFINITIONS)), default=1),
        calls=tuple(called_pipelines(text, syntax)),
    )


def _literals(syntax: SyntaxTree) -> Iterator[tuple[str, str, int]]:
    for node in syntax.of(ast.Assign, ast.AnnAssign, ast.keyword):
        if isinstance(node, ast.keyword):
            names = [node.arg or ""]
        else:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [dotted_name(target).split(".")[-1] for target in targets]
        for text, line in _literal(node.value) if node.value else ():
            yield from ((name, text, line) for name in names)


def _decorators(syntax: SyntaxTree) -> Iterator[str]:
    for node in syntax.of(*_DEFINITIONS):
        for decorator in node.decorator_list:
            yield dotted_name(decorator.func if isinstance(decorator, ast.Call) else decorator)


def _literal(node: ast.AST) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value, node.lineno
