"""The io profiles that Python code opens: by a literal name, or by one that a function of the project is given."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from promotion.pipelines.io_clients import Keys, Reads, keys_of, keys_of_all
from promotion.pipelines.references.expressions import Expressions, dotted_name
from promotion.pipelines.references.values import UNKNOWN
from promotion.pipelines.syntax_tree import SyntaxTree

_LOADER = "ConfigFileLoader"  # of mage_ai.io.config (0.9.80)
_DEFAULT = "default"


class Parameter(NamedTuple):
    """A parameter whose argument names an io profile."""

    function: str
    owner: str  # the class around the function, or ""
    name: str
    position: int  # among the arguments of a call
    default: tuple[str, ...]  # the profiles that it names where a call does not give it


class Opened(NamedTuple):
    """One call that opens a profile: which it may be, and what its client reads."""

    line: int
    profiles: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    keys: Keys


def opened_profiles(text: str, syntax: SyntaxTree) -> Iterator[Opened]:
    """Yield the profiles that `text` opens."""
    if _LOADER not in text:  # nearly every file
        return
    expressions = Expressions(syntax.module)
    clients = _Clients(syntax, expressions)
    for call in syntax.of(ast.Call):
        if _last(call.func) == _LOADER and not _argument(call, "config", 2):
            named = _argument(call, "profile", 1)
            if named is None and not _has_more(call):
                yield Opened(call.lineno, (_DEFAULT,), (), clients.keys(call))
            elif named is not None:
                yield _opened(call.lineno, named, expressions, syntax, clients.keys(call))


def passed_profiles(text: str, parameter: Parameter, keys: Keys, module: str | None) -> Iterator[Opened]:
    """Yield the profiles that `text` opens by calling the function of `parameter`; its client reads `keys`.

    The function is in `module`, which has this name at the end of its dotted name; None: in `text` itself.
    """
    wanted = parameter.owner or parameter.function
    if (module or wanted) not in text:  # nearly every file
        return
    syntax = SyntaxTree(ast.parse(text))
    names = {wanted} if module is None else set(_names_of(syntax, module, wanted))
    expressions = Expressions(syntax.module)
    for call in syntax.of(ast.Call) if names else ():
        if _calls(call, parameter, names, expressions):
            named = _argument(call, parameter.name, parameter.position)
            if named is not None:
                yield _opened(call.lineno, named, expressions, syntax, keys)
            elif not _has_more(call):
                yield Opened(call.lineno, parameter.default, (), keys)


def _names_of(syntax: SyntaxTree, module: str, wanted: str) -> Iterator[str]:
    """Yield the names by which a file knows the function or class `wanted` of `module`, and the module itself."""
    for node in syntax.of(ast.Import, ast.ImportFrom):
        from_module = isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] == module
        for alias in node.names:
            if from_module and alias.name in (wanted, "*"):
                yield alias.asname or wanted
            elif alias.name.rpartition(".")[2] == module:
                yield alias.asname or module


def _opened(line: int, named: ast.expr, expressions: Expressions, syntax: SyntaxTree, keys: Keys) -> Opened:
    profiles = sorted(value for value in expressions.values(named) if UNKNOWN not in value)
    return Opened(line, tuple(profiles), tuple(_parameters(named, expressions, syntax)), keys)


def _calls(call: ast.Call, parameter: Parameter, names: set[str], expressions: Expressions) -> bool:
    """Tell whether `call` is one of the function, which `names` stand for, or their module or class."""
    of_module = parameter.owner in ("", parameter.function)  # also a class, whose call is one of `__init__`
    if not isinstance(call.func, ast.Attribute):
        return of_module and _last(call.func) in names
    receiver = call.func.value
    if call.func.attr != parameter.function:
        return False
    if of_module:
        return _last(receiver) in names
    made = (source for source in expressions.sources(receiver) if isinstance(source, ast.Call))
    return _last(receiver) in {"self", "cls", *names} or any(_last(each.func) in names for each in made)


def _parameters(named: ast.expr, expressions: Expressions, syntax: SyntaxTree) -> Iterator[Parameter]:
    """Yield the parameters whose value `named` may have, also through an attribute of the object."""
    sources = expressions.sources(named) if isinstance(named, ast.Attribute) else [named]
    for source in sources:
        function = expressions.function_of(source) if isinstance(source, ast.Name) else None
        if function is not None and isinstance(source, ast.Name):
            yield _parameter(function, source.id, expressions, syntax)


def _parameter(
    function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, expressions: Expressions, syntax: SyntaxTree
) -> Parameter:
    owner = next((each.name for each in syntax.of(ast.ClassDef) if function in each.body), "")
    called = owner if function.name == "__init__" else function.name
    given = function.args
    positional = [each.arg for each in (*given.posonlyargs, *given.args)]
    decorators = {_last(each) for each in function.decorator_list}
    is_bound = bool(owner) and "staticmethod" not in decorators
    position = positional.index(name) - is_bound if name in positional else len(positional)
    defaults = dict(zip(positional[::-1], given.defaults[::-1], strict=False))
    by_keyword = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    defaults |= {each.arg: value for each, value in by_keyword if value is not None}
    values = expressions.values(defaults[name]) if name in defaults else ()
    return Parameter(called, owner, name, position, tuple(sorted(each for each in values if UNKNOWN not in each)))


class _Clients:
    """Which clients get the profile that a call opens."""

    def __init__(self, syntax: SyntaxTree, expressions: Expressions) -> None:
        self._expressions = expressions
        self._read: dict[ast.AST, set[Reads]] = defaultdict(set)  # the call that opens → the keys
        self._unknown: set[ast.AST] = set()
        imported = [
            (alias.asname or alias.name, alias.name)
            for node in syntax.of(ast.ImportFrom)
            if (node.module or "").startswith("mage_ai.io.")
            for alias in node.names
        ]
        self._aliases = dict(imported)
        self._of_file = keys_of_all(name for _, name in imported if keys_of(name))
        for node in syntax.of(ast.Call, ast.Subscript):
            self._follow(node)

    def keys(self, call: ast.Call) -> Keys:
        """Return which keys the client of the profile opened by `call` reads."""
        if call in self._read and call not in self._unknown:
            return tuple(sorted(self._read[call]))
        return self._of_file

    def _follow(self, node: ast.Call | ast.Subscript) -> None:
        """Note who reads an opened profile: a client, or the code itself by a literal key."""
        match node:
            case ast.Call(func=ast.Attribute(value=client, attr="with_config")):
                config, name = _argument(node, "config", 0), _last(client)
                self._note(config, keys_of(self._aliases.get(name, name)))
            case ast.Call(func=ast.Attribute(value=config, attr="get" | "contains"), args=[key, *_]):
                self._note(config, _key(key))
            case ast.Subscript(value=config, slice=key):
                self._note(config, _key(key))

    def _note(self, config: ast.expr | None, keys: Keys) -> None:
        for source in self._expressions.sources(config) if config is not None else ():
            if isinstance(source, ast.Call) and _last(source.func) == _LOADER:
                self._read[source].update(keys or ())
                if keys is None:
                    self._unknown.add(source)


def _key(node: ast.expr) -> Keys:
    """Return the key that `config[node]` reads: a text, or a member of Mage's `ConfigKey`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (Reads(node.value),)
    if isinstance(node, ast.Attribute) and _last(node.value) == "ConfigKey":
        return (Reads(node.attr),)
    return None


def _argument(call: ast.Call, name: str, position: int) -> ast.expr | None:
    """Return the argument of `call` for the parameter with this name and position; None if it is not given."""
    before = call.args[: position + 1]
    if len(before) > position and not any(isinstance(each, ast.Starred) for each in before):
        return before[position]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _has_more(call: ast.Call) -> bool:
    """Tell whether `call` has arguments that its text does not tell: `*…` or `**…`."""
    return any(isinstance(each, ast.Starred) for each in call.args) or any(not each.arg for each in call.keywords)


def _last(node: ast.AST) -> str:
    return dotted_name(node).rpartition(".")[2]
