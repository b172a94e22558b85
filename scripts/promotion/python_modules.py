"""Where in a tree the modules are that Python files import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from promotion.references.values import Import
from promotion.tree import Tree


def imported_modules(tree: Tree, root: str, path: str, imported: Import) -> Iterator[str]:
    """Yield the modules below the package `root` that the file `path` imports, as dotted names."""
    module = imported.module
    if imported.level:
        package = PurePosixPath(path).parts[: -imported.level]
        module = ".".join((*package, module)).rstrip(".")
    elif module.split(".")[0] != root:
        return
    if not imported.names or any(_is_attribute(tree, module, name) for name in imported.names):
        yield module
    for name in imported.names:
        if not _is_attribute(tree, module, name):
            yield f"{module}.{name}"


def files_of_module(tree: Tree, module: str) -> Iterator[str]:
    """Yield the file of `module` and those of the packages around it; none, if there is no such module."""
    own = list(_own_files(tree, module))
    if not own and not tree.has_folder(module.replace(".", "/")):
        return
    parts = module.split(".")
    for depth in range(1, len(parts)):
        yield from (path for path in ("/".join(parts[:depth]) + "/__init__.py",) if path in tree)
    yield from own


def _is_attribute(tree: Tree, module: str, name: str) -> bool:
    """Tell whether `from module import name` takes something out of a file rather than a submodule."""
    return name == "*" or (not any(_own_files(tree, f"{module}.{name}")) and any(_own_files(tree, module)))


def _own_files(tree: Tree, module: str) -> Iterator[str]:
    base = module.replace(".", "/")
    yield from (path for path in (f"{base}.py", f"{base}/__init__.py") if path in tree)
