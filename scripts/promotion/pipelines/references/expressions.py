"""The values that an expression of a Python file may have, as far as the text of the file says."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from itertools import product
from math import prod
from typing import NamedTuple

from promotion.pipelines.references.values import UNKNOWN

PROJECT, HERE = "\1", "\2"  # the folder of the project, and that of the file itself
Values = frozenset[str]

_NOTHING_KNOWN = Values({UNKNOWN})
_MOST = 64  # at most so many values of one expression
_ROOTS = {"get_repo_path", "base_repo_path"}  # Mage's functions
_HERE = {"cwd", "getcwd"}
_VARIABLE = "MAGE_REPO_PATH"
_SAME = {"abspath", "absolute", "as_posix", "expanduser", "fspath", "normpath", "realpath", "resolve", "str"}
_SAME_ITEMS = {"list", "reversed", "set", "sorted", "tuple"}
_PATHS = {"Path", "PurePath", "PosixPath", "PurePosixPath"}
_ATTRIBUTES = ast.Module([], [])  # stands for the scope of `self.name`, whatever the object is
_SUFFIX = re.compile(r"\.\w+$")
_PERCENT = re.compile(r"%(?:\((\w+)\))?[-#0 +.\d]*[sdrifg]")
_BRACES = re.compile(r"\{(\w*)[^{}]*\}")


class _Each(NamedTuple):
    """Any item of a collection, or one `part` of any item: what a loop gives its variable."""

    items: ast.expr
    part: int | None = None


_Given = ast.expr | _Each | None  # None: a value that the file does not tell


def dotted_name(node: ast.AST) -> str:
    """Return `a.b.c` for such a chain of names; of another expression, the names at its end."""
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def parent(path: str) -> str:
    """Return the folder around `path`."""
    folder, slash, name = path.rpartition("/")
    return folder if slash and name != ".." else f"{path}/.."


def joined(parts: Iterable[str]) -> str:
    """Return `parts` as one path; a part with a root of its own replaces the parts before it."""
    path = ""
    for part in parts:
        anew = part.startswith(("/", PROJECT, HERE)) or not path
        path = part if anew else f"{path.rstrip('/')}/{part}"
    return path


class Expressions:
    """The expressions of one module: a name may have the value of any assignment to it in its scope."""

    def __init__(self, module: ast.Module) -> None:
        self._outer: dict[ast.AST, ast.AST] = {}  # scope → the scope around it
        self._scopes: dict[ast.AST, ast.AST] = {}  # name → the scope that it is read in
        self._bound: dict[tuple[ast.AST, str], list[_Given]] = {}
        self._known: dict[ast.AST | _Each, Values] = {}
        self._enter(module, module)

    def values(self, node: ast.AST | _Each | None) -> Values:
        """Return the texts that `node` may be, with `UNKNOWN` for parts that the file does not tell."""
        if node is None:
            return _NOTHING_KNOWN
        if node not in self._known:
            self._known[node] = _NOTHING_KNOWN  # for an expression that refers to itself
            self._known[node] = self._work_out(node)
        return self._known[node]

    def sources(self, node: ast.AST) -> list[_Given]:
        """Return the expressions whose value `node` has: of a name or an attribute, all that it is given."""
        if isinstance(node, ast.Name):
            return self._assigned(node)
        if isinstance(node, ast.Attribute):
            return self._bound.get((_ATTRIBUTES, node.attr), [None])
        return [node] if isinstance(node, ast.expr) else [None]

    def function_of(self, node: ast.Name) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """Return the function whose parameter the name `node` is; None if it is no parameter."""
        scope = self._scope_of(node)
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            given = scope.args
            names = {each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
            return scope if node.id in names else None
        return None

    # Names

    def _enter(self, node: ast.AST, scope: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            inner = scope
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                inner = child
                self._outer[child] = scope
            elif isinstance(child, ast.Name):
                self._scopes[child] = scope
            self._bind(child, inner)
            if isinstance(node, ast.ClassDef):
                self._bind(child, _ATTRIBUTES)
            self._enter(child, inner)

    def _bind(self, node: ast.AST, scope: ast.AST) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._give(target, value, scope)
            case ast.AnnAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
                self._give(target, value, scope)
            case ast.For(target=target, iter=items) | ast.comprehension(target=target, iter=items):
                self._give(target, _Each(items), scope)
            case ast.AugAssign(target=target):
                self._give(target, None, scope)
            case ast.withitem(optional_vars=ast.expr() as target):
                self._give(target, None, scope)
            case ast.arg(arg=name):
                self._bound.setdefault((scope, name), []).append(None)

    def _give(self, target: ast.expr, value: _Given, scope: ast.AST) -> None:
        if isinstance(target, ast.Name):
            self._bound.setdefault((scope, target.id), []).append(value)
        elif isinstance(target, ast.Attribute):
            self._bound.setdefault((_ATTRIBUTES, target.attr), []).append(value)
        elif isinstance(target, ast.Tuple | ast.List):
            for number, part in enumerate(target.elts):
                self._give(part, _part(value, number), scope)

    def _name(self, node: ast.Name) -> Values:
        if node.id == "__file__":
            return Values({f"{HERE}/__file__"})
        return self._any(self._assigned(node))

    def _assigned(self, node: ast.Name) -> list[_Given]:
        """Return every value that the name gets in the innermost scope that assigns it."""
        scope = self._scope_of(node)
        return self._bound[scope, node.id] if scope is not None else [None]

    def _scope_of(self, node: ast.Name) -> ast.AST | None:
        scope = self._scopes.get(node)
        while scope is not None and (scope, node.id) not in self._bound:
            scope = self._outer.get(scope)
        return scope

    # Expressions

    def _work_out(self, node: ast.AST | _Each) -> Values:
        match node:
            case ast.Constant(value=str(text)):
                return Values({text})
            case ast.Name():
                return self._name(node)
            case ast.JoinedStr(values=parts):
                return self._combine("".join, parts)
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self.values(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._combine("".join, [left, right])
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._combine(joined, [left, right])
            case ast.BinOp(left=left, op=ast.Mod(), right=right):
                given = dict(enumerate(right.elts if isinstance(right, ast.Tuple) else [right]))
                return self._filled(_PERCENT, left, lambda name, number: None if name else given.get(number))
            case ast.IfExp(body=body, orelse=other):
                return self._any([body, other])
            case ast.BoolOp(values=choices):
                return self._any(choices)
            case ast.Attribute(value=value, attr="parent"):
                return self._map(parent, value)
            case ast.Attribute(attr=name):
                return self._any(self._bound.get((_ATTRIBUTES, name), [None]))
            case ast.Subscript(value=value, slice=index):
                return self._item(value, index)
            case _Each(items=items, part=part):
                return self._any(self._each(items, part))
            case ast.Call():
                return self._call(node)
        return _NOTHING_KNOWN

    def _item(self, value: ast.expr, index: ast.expr) -> Values:
        match value, index:
            case ast.Attribute(value=path, attr="parents"), ast.Constant(value=int(times)):
                return self._map(lambda text: _times(parent, times + 1, text), path)
            case _, ast.Constant(value=str(name)) if name == _VARIABLE and dotted_name(value).endswith("environ"):
                return Values({PROJECT})
        return self._any(self._items(value))

    def _items(self, value: ast.expr | None) -> list[ast.expr | None]:
        """Return the possible values of `value[…]`: the items, where `value` is or names a literal collection."""
        match self._collection(value):
            case ast.Dict(values=items) | ast.List(elts=items) | ast.Tuple(elts=items):
                return list(items)
        return [None]

    def _each(self, value: ast.expr, part: int | None) -> list[_Given]:
        """Return what a loop over `value` may give its variable, or that `part` of it."""
        match value:
            case ast.Call(func=ast.Attribute(value=inner, attr="values"), args=[]):
                return list(self._items(inner))
            case ast.Call(func=ast.Attribute(value=inner, attr="items"), args=[]) if part == 1:
                return list(self._items(inner))
            case ast.Call(func=ast.Attribute(value=inner, attr="items"), args=[]) if part == 0:
                return self._each(inner, None) if isinstance(inner, ast.Name | ast.Dict) else [None]
            case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]) if part == 1:
                value, part = inner, None
            case ast.Call(func=ast.Name(id=name), args=[inner, *_]) if name in _SAME_ITEMS:
                value = inner
        found: list[_Given] = [None]
        match self._collection(value):
            case ast.Dict(keys=items):
                found = list(items)
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                found = list(items)
        return found if part is None else [_part(item, part) for item in found]

    def _collection(self, value: _Given) -> _Given:
        """Return `value`; of a name, its only value, None where it has several."""
        if isinstance(value, ast.Name):
            assigned = self._assigned(value)
            return assigned[0] if len(assigned) == 1 else None
        return value

    def _call(self, node: ast.Call) -> Values:
        full, arguments = dotted_name(node.func), self._spread(node.args)
        name = full.rpartition(".")[2]
        first = arguments[0] if arguments else None
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        if name in _ROOTS or (name in {"getenv", "get"} and _is_text(first, _VARIABLE)):
            return Values({PROJECT})
        if name in _HERE and not arguments:
            return Values({"."})
        if name in _PATHS or full in {"join", "path.join", "os.path.join"} or (name in _SAME and arguments):
            return self._combine(joined, arguments)
        if name == "dirname":
            return self._map(parent, first)
        if full.endswith("resources.files") or full == "files":
            return self._map(lambda module: f"{PROJECT}/../{module.replace('.', '/')}", first)
        if name == "format" and receiver is not None:
            given = {str(number): argument for number, argument in enumerate(arguments)}
            given |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
            return self._filled(_BRACES, receiver, lambda name, number: given.get(name or str(number)))
        return self._method(receiver, name, arguments) if receiver is not None else _NOTHING_KNOWN

    def _spread(self, arguments: Iterable[ast.expr]) -> list[ast.expr]:
        """Return `arguments`; a `*collection` that is literal is replaced by its items."""
        spread: list[ast.expr] = []
        for argument in arguments:
            match self._collection(argument.value) if isinstance(argument, ast.Starred) else None:
                case ast.List(elts=items) | ast.Tuple(elts=items):
                    spread += items
                case _:
                    spread.append(argument)
        return spread

    def _method(self, receiver: ast.expr, name: str, arguments: list[ast.expr]) -> Values:
        whole = [receiver, *arguments]
        match name:
            case "joinpath" | "glob":
                return self._combine(joined, whole)
            case "rglob":
                return self._combine(lambda parts: joined([parts[0], "**", *parts[1:]]), whole)
            case "with_name":
                return self._combine(lambda parts: joined([parent(parts[0]), *parts[1:]]), whole)
            case "with_suffix":
                return self._combine(lambda parts: _SUFFIX.sub("", parts[0]) + "".join(parts[1:]), whole)
            case "join" if _is_text(receiver, "/") or dotted_name(receiver).endswith("sep"):
                return self._combine(joined, self._spread(ast.Starred(each) for each in arguments))
            case "get":
                return self._any([*self._items(receiver), *arguments[1:]])
        return self.values(receiver) if name in _SAME else _NOTHING_KNOWN

    def _filled(
        self, holes: re.Pattern[str], template: ast.expr, filling: Callable[[str, int], ast.expr | None]
    ) -> Values:
        """Return what `template` may become; `filling` returns what fills the hole with a name and a number."""
        values: set[str] = set()
        for text in self.values(template):
            parts: list[ast.expr | None] = []
            end = 0
            for number, hole in enumerate(holes.finditer(text)):
                parts += [ast.Constant(text[end : hole.start()]), filling(hole[1] or "", number)]
                end = hole.end()
            values |= self._combine("".join, [*parts, ast.Constant(text[end:])])
        return Values(values)

    def _any(self, nodes: Iterable[_Given]) -> Values:
        values = Values(text for node in nodes for text in self.values(node))
        return values if 0 < len(values) <= _MOST else _NOTHING_KNOWN

    def _map(self, change: Callable[[str], str], node: ast.AST | None) -> Values:
        return Values(change(text) for text in self.values(node))

    def _combine(self, how: Callable[[tuple[str, ...]], str], nodes: Iterable[ast.expr | None]) -> Values:
        choices = [self.values(node) for node in nodes]
        while prod(map(len, choices)) > _MOST:
            largest = max(choices, key=len)
            choices[choices.index(largest)] = _NOTHING_KNOWN
        return Values(how(parts) for parts in product(*choices))


def _part(value: _Given, number: int) -> _Given:
    """Return what the name with this number gets when `value` is unpacked."""
    match value:
        case _Each(items=items, part=None):
            return _Each(items, number)
        case ast.Tuple(elts=parts) | ast.List(elts=parts) if number < len(parts):
            return parts[number]
    return None


def _times(function: Callable[[str], str], times: int, text: str) -> str:
    for _ in range(times):
        text = function(text)
    return text


def _is_text(node: ast.expr | None, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text
