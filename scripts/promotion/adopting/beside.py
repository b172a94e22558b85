"""What the project imports by name: itself, and packages beside it, because Mage looks in the folder around it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from promotion.adopting.source import Source, is_state

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
            if said.search(text) or (
                path.endswith(".py") and any(module.split(".")[0] == source.name for module in _imported(text))
            ):
                return True
    return False


def packages_beside(source: Source) -> list[Package]:
    """Return the packages around the project that its code imports, and those that they import, by name.

    Of a package that holds Mage projects, perhaps also this one, only the parts that are imported come.
    """
    found: dict[str, Package] = {}
    waiting = {path: file for path, file in source.files.items() if path.endswith(".py")}
    while waiting:
        path, file = waiting.popitem()
        for module in sorted(_imported(file.read_text(encoding="utf-8", errors="replace"))):
            name = module.split(".")[0]
            before = found.get(name, Package(name, {}, path))
            new = {path: file for path, file in _files(source, module) if path not in before.files}
            if new:
                found[name] = Package(name, {**before.files, **new}, before.imported_by)
                waiting |= {path: file for path, file in new.items() if path.endswith(".py")}
    return [found[name] for name in sorted(found)]


def _files(source: Source, module: str) -> Iterator[tuple[str, Path]]:
    """Yield the files around the project that an import of `module` needs, by their paths where Python looks."""
    name, *below = module.split(".")
    if name == source.name or name in sys.stdlib_module_names:
        return
    for around in folders_around(source.folder):
        top = around / name
        if top.with_suffix(".py").is_file() or any(top.rglob("*.py")):
            holds_projects = any(top.rglob("pipelines/*/metadata.yaml"))
            part = top.joinpath(*below[:1]) if holds_projects else top
            candidates = [top / "__init__.py", part.with_suffix(".py")]
            if part != source.folder and not (holds_projects and part == top):
                candidates += sorted(part.rglob("*"))
            for file in candidates:
                path = file.relative_to(around).as_posix()
                if file.is_file() and not is_state(path):
                    yield path, file
            return


def folders_around(project: Path) -> Iterator[Path]:
    """Yield the folders where a package may be: around the project, up to the root of its repository."""
    root = next((folder for folder in (project, *project.parents) if (folder / ".git").exists()), project)
    yield project.parent
    yield from (folder for folder in project.parents[1:] if folder.is_relative_to(root))


def _imported(text: str) -> set[str]:
    """Return the modules that a module imports, and what may be one; none of a text that is no Python."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError):
        return set()
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return modules
