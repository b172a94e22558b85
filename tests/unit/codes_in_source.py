"""Which codes scripts/ gives to refusals and findings: read from the source, since no run comes to all of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

# What hands on a code that is written elsewhere: the parameter of a helper, or another refusal's.
_HANDED_ON = ("code", "error.code", "finding.code")
_ROOT = "PromotionError"


@dataclass(frozen=True)
class Given:
    """A code where it is given: to a refusal with an exit code, or to a finding, which has None."""

    code: str
    exit_code: int | None
    place: str


class _Taker(NamedTuple):
    """A class or a helper that takes a code: at which place of its arguments, and with what exit codes."""

    position: int
    exit_codes: frozenset[int | None]


_Takers = Mapping[str, _Taker]


def codes_below(folder: Path) -> set[Given]:
    """Return the codes in every module below `folder`; raise `ValueError` for one that is computed."""
    modules = {path: ast.parse(path.read_text()) for path in folder.rglob("*.py")}
    nodes = [node for module in modules.values() for node in ast.walk(module)]
    refusals = _refusals(nodes)
    takers = _with_helpers(nodes, _takers(nodes, refusals))
    return {
        Given(_text(argument, place), exit_code, place)
        for path, module in modules.items()
        for scope in ast.walk(module)
        for argument, taker in (*_of_function(scope, takers), *_of_class(scope, refusals))
        for place in [f"{path.relative_to(folder)}:{argument.lineno}"]
        if ast.unparse(argument) not in _HANDED_ON
        for exit_code in taker.exit_codes
    }


def _text(argument: ast.expr, place: str) -> str:
    if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
        raise ValueError(f"{place}: write the code itself here, or hand on a parameter `code`")
    return argument.value


def _refusals(nodes: list[ast.AST]) -> dict[str, int]:
    """Return the classes of refusals, which stand on `PromotionError`, each with its exit code."""
    classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
    exit_codes = {name: _exit_code(name, classes) for name in classes}
    return {name: exit_code for name, exit_code in exit_codes.items() if exit_code is not None}


def _exit_code(name: str, classes: Mapping[str, ast.ClassDef]) -> int | None:
    if name not in classes:
        return None
    for statement in classes[name].body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "exit_code":
            return int(ast.unparse(statement.value))
    inherited = [_exit_code(ast.unparse(base), classes) for base in classes[name].bases]
    return next((code for code in inherited if code is not None), None)


def _takers(nodes: list[ast.AST], refusals: Mapping[str, int]) -> dict[str, _Taker]:
    """Return `Finding`, and those classes of refusals that take a code: some have one of their own."""
    own = {node.name for node in nodes if isinstance(node, ast.ClassDef) and _has_constructor(node)} - {_ROOT}
    given = {name: _Taker(0, frozenset({code})) for name, code in refusals.items() if name not in own}
    return {"Finding": _Taker(2, frozenset({None})), **given}


def _has_constructor(node: ast.ClassDef) -> bool:
    return any(isinstance(each, ast.FunctionDef) and each.name == "__init__" for each in node.body)


def _with_helpers(nodes: list[ast.AST], takers: dict[str, _Taker]) -> dict[str, _Taker]:
    """Return `takers` with the functions that hand on their parameter `code` to one of them."""
    helpers = [node for node in nodes if isinstance(node, ast.FunctionDef) and "code" in _parameters(node)]
    before = -1
    while before < len(takers):
        before = len(takers)
        for node in helpers:
            for argument, taker in _of_function(node, takers):
                if ast.unparse(argument) == "code":
                    takers = {**takers, node.name: _Taker(_parameters(node).index("code"), taker.exit_codes)}
    return takers


def _parameters(node: ast.FunctionDef) -> list[str]:
    return [each.arg for each in node.args.args if each.arg != "self"]


def _of_function(scope: ast.AST, takers: _Takers) -> Iterator[tuple[ast.expr, _Taker]]:
    """Yield what a function gives as a code, and to what."""
    if isinstance(scope, ast.FunctionDef):
        known = {**takers, **_chosen(scope, takers)}
        yield from _arguments(scope, {name: taker for name, taker in known.items() if name != "__init__"})


def _of_class(scope: ast.AST, refusals: Mapping[str, int]) -> Iterator[tuple[ast.expr, _Taker]]:
    """Yield what a class of refusals gives as the code of its own."""
    if isinstance(scope, ast.ClassDef) and scope.name in refusals and scope.name != _ROOT:
        yield from _arguments(scope, {"__init__": _Taker(0, frozenset({refusals[scope.name]}))})


def _arguments(scope: ast.AST, takers: _Takers) -> Iterator[tuple[ast.expr, _Taker]]:
    for call in ast.walk(scope):
        if isinstance(call, ast.Call):
            taker = takers.get(ast.unparse(call.func).rpartition(".")[2])
            if taker and len(call.args) > taker.position:
                yield call.args[taker.position], taker


def _chosen(scope: ast.FunctionDef, takers: _Takers) -> dict[str, _Taker]:
    """Return the names that a function gives to the one of two classes that fits: `refusal = A if … else B`."""
    names = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.IfExp):
            classes = [takers.get(ast.unparse(branch)) for branch in (node.value.body, node.value.orelse)]
            if all(classes):
                exit_codes = {code for taker in classes if taker for code in taker.exit_codes}
                names[ast.unparse(node.targets[0])] = _Taker(0, frozenset(exit_codes))
    return names
