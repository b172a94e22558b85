"""The modules of a tree that Python files import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from promotion.pipelines.references.values import UNKNOWN, Import
from promotion.repository.tree import Tree


def imported_modules(tree: Tree, root: str, path: str, imported: Import) -> Iterator[str]:
    """Yield the modules below the package `root` that the file `path` imports, as dotted names."""
    module, of_project = imported.module, True
    if imported.level:
        package = PurePosixPath(path).parts[: -imported.level]
        module = ".".join((*package, module)).rstrip(".")
    elif module.split(".")[0] != root:  # it may still be of the project: its folder can be on Python's path
        module, of_project = f"{root}.{module}", False
        if not module_exists(tree, ".".join(module.split(".")[:2])):
            return
    modules = [module for name in imported.names or "*" if _is_attribute(tree, module, name)][:1]
    modules += [f"{module}.{name}" for name in imported.names if not _is_attribute(tree, module, name)]
    yield from (name for name in modules if of_project or module_exists(tree, name))


def exported_modules(tree: Tree, path: str, names: Iterable[str]) -> Iterator[str]:
    """Yield those of the `names` in a package's `__all__` that are modules: a star import loads them."""
    package, _, file = path.rpartition("/")
    for name in names if file == "__init__.py" else ():
        module = f"{package}/{name}".replace("/", ".")
        if module_exists(tree, module):
            yield module


def may_be_of_project(tree: Tree, root: str, imported: Import) -> bool:
    """Tell whether the module, whose name is computed, may be below `root`."""
    known = imported.module.partition(UNKNOWN)[0].replace(".", "/")
    inside = f"{root}/"
    if imported.level or inside.startswith(known) or known.startswith(inside):
        return True
    return any(path.startswith(inside + known) for path in tree.paths_at(root) if path.endswith(".py"))


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
