"""What the project imports by name: itself, and packages beside it, because Mage looks in the folder around it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from promotion.adopting.source import Source

_CODE = (".py", ".yaml", ".yml", ".sql", ".r", ".R", ".json", ".toml", ".sh")


@dataclass(frozen=True)
class Package:
    """A module or a package beside the project: its name, its files, and the first file that imports it."""

    name: str
    files: Mapping[str, Path]  # by their paths beside the project
    imported_by: str


def uses_its_own_name(source: Source) -> bool:
    """Tell whether the project's files say the name of its folder where Python or Mage looks it up."""
    name = re.escape(source.name)
    said = re.compile(rf"/home/src/{name}(/|\b)|^\s*-?\s*(file_path|path):\s*['\"]?{name}/", re.MULTILINE)
    for path, file in source.files.items():
        if path.endswith(_CODE) and not file.is_symlink():
            text = file.read_text(encoding="utf-8", errors="replace")
            if said.search(text) or (path.endswith(".py") and source.name in _imported(text)):
                return True
    return False


def packages_beside(source: Source) -> list[Package]:
    """Return the packages beside the project that its code imports, and those that they import, by name."""
    found: dict[str, Package] = {}
    waiting = {path: file for path, file in source.files.items() if path.endswith(".py")}
    while waiting:
        path, file = waiting.popitem()
        for name in _imported(file.read_text(encoding="utf-8", errors="replace")):
            if name == source.name or name in found:
                continue
            if files := dict(_files(source, name)):
                found[name] = Package(name, files, path)
                waiting |= {path: file for path, file in files.items() if path.endswith(".py")}
    return [found[name] for name in sorted(found)]


def _files(source: Source, name: str) -> Iterator[tuple[str, Path]]:
    """Yield the files of the module or package `name` beside the project; none if Python finds none there."""
    around = source.folder.parent
    if name in sys.stdlib_module_names:
        return
    if any((around / name).rglob("*.py")):
        for file in sorted((around / name).rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                yield file.relative_to(around).as_posix(), file
    elif (around / f"{name}.py").is_file():
        yield f"{name}.py", around / f"{name}.py"


def _imported(text: str) -> set[str]:
    """Return the first parts of the names that a module imports; none of a text that is no Python."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError):
        return set()
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.split(".")[0] for name in names}
