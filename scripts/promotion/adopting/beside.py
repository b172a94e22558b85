"""What the project imports by name: itself, and packages beside it, because Mage looks in the folder around it."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from promotion.adopting.source import Source, is_state
from promotion.pipelines.supplied_modules import is_known_here

# A path from the folder where Mage's image has projects, or of a block's file: its first folder is the project's.
_PATH = re.compile(
    r"(?:/home/src/([\w.-]+)|^\s*-?\s*(?:file_path|path):\s*['\"]?([\w.-]+))(?:/([\w./-]*)|\b)", re.MULTILINE
)
_CODE = (".py", ".yaml", ".yml", ".sql", ".r", ".R", ".json", ".toml", ".sh")


@dataclass(frozen=True)
class Package:
    """A module or a package beside the project: its name, its files, and the first file that imports it."""

    name: str
    files: Mapping[str, Path]  # by their paths beside the project
    imported_by: str


def own_name(source: Source) -> str | None:
    """Return how the project's files name it where Python or Mage looks it up, None where they do not.

    It is the name of its folder; or the name that it has in the image of its team, which a clone need not have.
    """
    said: Counter[str] = Counter()
    for path, file in source.files.items():
        if path.endswith(_CODE) and not file.is_symlink():
            said.update(_names_in(source, path, file.read_text(encoding="utf-8", errors="replace")))
    return source.name if source.name in said else next((name for name, _ in said.most_common(1)), None)


def _names_in(source: Source, path: str, text: str) -> Iterator[str]:
    """Yield each name that the file gives the project: that of its folder, or one before a file that it has."""
    said = {(match[1] or match[2], match[3] or "") for match in _PATH.finditer(text)}
    yield from (
        name
        for name, inside in said
        if name == source.name or (_has(source, inside.rstrip("/.")) and not _is_of_others(source, name))
    )
    if path.endswith(".py"):
        modules = {module.partition(".")[::2] for module in _imported(text)}
        yield from (
            name
            for name, inside in modules
            if name == source.name
            or (f"{inside.replace('.', '/')}.py" in source.files and not _is_of_others(source, name))
        )


def _has(source: Source, inside: str) -> bool:
    return any(path == inside or path.startswith(f"{inside}/") for path in source.files if inside)


def _is_of_others(source: Source, name: str) -> bool:
    """Tell whether an import of `name` finds a folder of the project, what is beside it, or a package."""
    around = (folder / name for folder in (source.folder, *folders_around(source.folder)))
    return is_known_here(name) or any(path.is_dir() or path.with_suffix(".py").is_file() for path in around)


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
