"""The modules of a tree that Python files import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from promotion.layout import PROJECT
from promotion.pipelines.references.values import UNKNOWN, Import
from promotion.repository.tree import Tree


def imported_modules(tree: Tree, roots: Mapping[str, str], path: str, imported: Import) -> Iterator[str]:
    """Yield the modules that the file `path` imports, each by its path in `tree` with dots.

    `roots` says what the first part of a name stands for. Other names may still be of the project, whose folder
    can be on Python's path: such modules are left out if they do not exist.
    """
    first, dot, rest = imported.module.partition(".")
    if imported.level:
        package = PurePosixPath(path).parts[: -imported.level]
        yield from _taken(tree, ".".join((*package, imported.module)).rstrip("."), imported)
        return
    inside = f"{PROJECT}.{imported.module}"
    of_folder = []
    if module_exists(tree, f"{PROJECT}.{first}"):
        of_folder = [module for module in _taken(tree, inside, imported) if module_exists(tree, module)]
    if first in roots:
        modules = list(_taken(tree, f"{roots[first].replace('/', '.')}{dot}{rest}", imported))
        yield from (module for module in modules if not of_folder or module_exists(tree, module))
    yield from of_folder


def _taken(tree: Tree, module: str, imported: Import) -> Iterator[str]:
    """Yield `module` if `imported` takes something of its own, and those of the names that are modules in it."""
    yield from [module for name in imported.names or "*" if _is_attribute(tree, module, name)][:1]
    yield from (f"{module}.{name}" for name in imported.names if not _is_attribute(tree, module, name))


def exported_modules(tree: Tree, path: str, names: Iterable[str]) -> Iterator[str]:
    """Yield those of the `names` in a package's `__all__` that are modules: a star import loads them."""
    package, _, file = path.rpartition("/")
    for name in names if file == "__init__.py" else ():
        module = f"{package}/{name}".replace("/", ".")
        if module_exists(tree, module):
            yield module


def may_be_of_project(tree: Tree, roots: Mapping[str, str], imported: Import) -> bool:
    """Tell whether the module, whose name is computed, may be one of `roots` or below one."""
    known = imported.module.partition(UNKNOWN)[0].replace(".", "/")
    if imported.level or any(f"{root}/".startswith(known) or known.startswith(f"{root}/") for root in roots):
        return True
    return any(path.startswith(f"{PROJECT}/{known}") for path in tree.paths_at(PROJECT) if path.endswith(".py"))


def files_of_module(tree: Tree, module: str) -> Iterator[str]:
    """Yield the file of `module` and those of the packages around it; nothing if there is no such module."""
    if not module_exists(tree, module):
        return
    parts = module.split(".")
    for depth in range(1, len(parts)):
        yield from (path for path in ("/".join(parts[:depth]) + "/__init__.py",) if path in tree)
    yield from _own_files(tree, module)


def module_exists(tree: Tree, module: str) -> bool:
    """Tell whether `module` is a file or a folder."""
    return any(_own_files(tree, module)) or tree.has_folder(module.replace(".", "/"))


def _is_attribute(tree: Tree, module: str, name: str) -> bool:
    """Tell whether `from module import name` takes a name of the module's file, not a submodule."""
    return name == "*" or (not any(_own_files(tree, f"{module}.{name}")) and any(_own_files(tree, module)))


def _own_files(tree: Tree, module: str) -> Iterator[str]:
    base = module.replace(".", "/")
    yield from (path for path in (f"{base}.py", f"{base}/__init__.py") if path in tree)
