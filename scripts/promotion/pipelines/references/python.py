"""What a Python file refers to: the modules that it imports, and the paths that it names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from promotion.pipelines.references.expressions import HERE, PROJECT, Expressions, dotted_name
from promotion.pipelines.references.values import LOOKS_LIKE_PATH, UNKNOWN, Import, NamedPath, References, paths_in
from promotion.pipelines.syntax_tree import SyntaxTree

_OPENING = (
    r"open|i?glob|rglob|iterdir|listdir|scandir|walk|read_\w+|load|loadtxt|genfromtxt|copy\w*|csv|json|parquet"
    r"|run_path"
)
_OPENERS = re.compile(_OPENING)
_OF_FILE = {
    "file",
    "filename",
    "filepath",
    "filepath_or_buffer",
    "fname",
    "io",
    "path",
    "path_or_buf",
    "source",
    "top",
}
# Only a file with one of these words can compute the name of a path or a module.
_COMPUTES = re.compile(
    r"get_repo_path|base_repo_path|MAGE_REPO_PATH|__file__|resources|import_module|__import__|run_module"
    rf"|\bPath\b|\bjoin\(|sys\.path|\b(?<!def )({_OPENING})\("  # `def load(` is in half of Mage's files
)
_IMPORTERS = {"import_module", "__import__", "run_module"}
_BASES = {PROJECT: "project", HERE: "folder"}
_ANCHORED = re.compile(rf"([{PROJECT}{HERE}])([^{PROJECT}{HERE}'\"\n]*)[^{PROJECT}{HERE}]*$")


def python_references(text: str, syntax: SyntaxTree) -> References:
    """Return what the file `text` refers to."""
    imports, paths = list(_imports(syntax)), list(_literals(syntax))
    folders: list[tuple[str, NamedPath]] = []
    if _COMPUTES.search(text):
        expressions = Expressions(syntax.module)
        imports += _computed_imports(syntax, expressions)
        paths += _paths(syntax, expressions)
        folders += _folders(syntax.module.body, expressions)
    exports = tuple(_exports(syntax)) if "__all__" in text else ()
    return References(tuple(imports), tuple(dict.fromkeys(paths)), exports, tuple(folders))


def _imports(syntax: SyntaxTree) -> Iterator[Import]:
    for node in syntax.of(ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, (), 0, node.lineno)
        else:
            yield Import(node.module or "", tuple(alias.name for alias in node.names), node.level, node.lineno)


def _exports(syntax: SyntaxTree) -> Iterator[str]:
    for node in syntax.of(ast.Assign):
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List(elts=names) | ast.Tuple(elts=names)):
                texts = (name.value for name in names if isinstance(name, ast.Constant))
                yield from (text for text in texts if isinstance(text, str))


def _computed_imports(syntax: SyntaxTree, expressions: Expressions) -> Iterator[Import]:
    """Yield the imports that are function calls."""
    aliases = [alias for node in syntax.of(ast.ImportFrom) for alias in node.names if alias.name in _IMPORTERS]
    importers = _IMPORTERS.union(alias.asname for alias in aliases if alias.asname)
    for node in syntax.of(ast.Call):
        if _last_name(node.func) in importers:
            given = dict(zip(("name", "package"), node.args, strict=False))
            given |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
            for name in sorted(expressions.values(given.get("name"))):
                for package in sorted(expressions.values(given.get("package"))):
                    yield _imported(name, package, node.lineno)


def _imported(name: str, package: str, line: int) -> Import:
    """Return the import of `name`; an unknown `package` is taken to be the file's own."""
    tail = name.lstrip(".")
    level = len(name) - len(tail)
    if not level or UNKNOWN in package:
        return Import(tail, (), level, line)
    around = package.split(".")
    return Import(".".join([*around[: len(around) - level + 1], tail]), (), 0, line)


def _literals(syntax: SyntaxTree) -> Iterator[NamedPath]:
    """Yield every text that may be a path."""
    for node in syntax.of(ast.Constant):
        if isinstance(node.value, str):
            yield from paths_in(node.value, node.lineno)


def _paths(syntax: SyntaxTree, expressions: Expressions) -> Iterator[NamedPath]:
    """Yield the computed paths, each from the largest expression that makes it."""
    used = {node.id for node in syntax.of(ast.Name) if isinstance(node.ctx, ast.Load)}
    waiting: list[ast.AST] = [syntax.module]
    while waiting:
        node = waiting.pop()
        for opened in _opened_by(node) if isinstance(node, ast.Call) else ():
            yield from _opened(opened, expressions)
        found: list[NamedPath] = []
        if isinstance(node, ast.expr):
            found = list(_named(node, expressions))
            yield from found
            yield from (replace(named, file_only=True) for named in _known_ends(node, expressions))
        elif isinstance(node, ast.Assign) and used.intersection(map(dotted_name, node.targets)):
            # Where this file uses the name, its value is found anyway; files that import it need it from here.
            found = list(_named(node.value, expressions))
            yield from (replace(named, file_only=True) for named in found if UNKNOWN not in named.path)
        if not found:
            waiting += ast.iter_child_nodes(node)


def _named(node: ast.expr, expressions: Expressions) -> Iterator[NamedPath]:
    """Yield the paths that `node` may be: below the project, beside the file, or made of literal texts."""
    for text in sorted(expressions.values(node)):
        if anchored := _ANCHORED.search(text):
            base, path = _BASES[anchored[1]], anchored[2].strip("/")
            yield NamedPath(base, path, node.lineno)
            if " " in path:  # perhaps the rest is arguments of a command
                yield NamedPath(base, path.split(" ")[0], node.lineno, file_only=True)
        elif not isinstance(node, ast.Constant) and LOOKS_LIKE_PATH.fullmatch(text):
            yield NamedPath("anywhere", text, node.lineno, file_only=True)


def _known_ends(node: ast.expr, expressions: Expressions) -> Iterator[NamedPath]:
    """Yield the paths that `node` may be if its unknown beginning is the project's folder."""
    for text in sorted(expressions.values(node)):
        begin, slash, end = text.partition("/")
        if begin + slash == f"{UNKNOWN}/" and UNKNOWN not in end:
            yield NamedPath("anywhere", end, node.lineno)


def _opened_by(call: ast.Call) -> Iterator[ast.expr]:
    """Yield the expressions for the file or folder that `call` opens; nothing if it opens none."""
    name = _last_name(call.func)
    if dotted_name(call.func) in ("sys.path.append", "sys.path.insert"):
        yield from call.args[-1:]
    elif _OPENERS.fullmatch(name):
        yield from call.args[:1]
        yield from (keyword.value for keyword in call.keywords if keyword.arg in _OF_FILE)
        if isinstance(call.func, ast.Attribute):
            yield call if name.endswith("glob") else call.func.value


def _opened(node: ast.expr, expressions: Expressions) -> Iterator[NamedPath]:
    """Yield the paths that a call opens, also those of which only the beginning is known."""
    yield from _known_ends(node, expressions)
    for text in sorted(expressions.values(node)):
        if not text.startswith(UNKNOWN) and not _ANCHORED.search(text):
            yield NamedPath("anywhere", text, node.lineno)


def _folders(
    statements: list[ast.stmt], expressions: Expressions, owner: str = ""
) -> Iterator[tuple[str, NamedPath]]:
    """Yield the paths with the names under which other files can import them: inside a class, the class's name."""
    for statement in statements:
        if isinstance(statement, ast.ClassDef):
            yield from _folders(statement.body, expressions, statement.name)
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for named in (*_named(statement.value, expressions), *_known_ends(statement.value, expressions)):
                if UNKNOWN not in named.path and not named.file_only:
                    yield from ((owner or dotted_name(target), named) for target in targets)


def _last_name(function: ast.expr) -> str:
    return dotted_name(function).rpartition(".")[2]
