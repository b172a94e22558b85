"""The Mage project that is brought in: where it is, which of its files come along, and which stay behind."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from basics.errors import Malformed, UsageError
from basics.process import CommandError, run
from basics.yaml_file import load_mapping
from promotion.adopting.changes import Left

_DEPTH = 3  # folders in which a project is looked for
# What Mage, Python, dbt and people leave in a project, by the name of a file or folder anywhere in it.
_STATE = {
    ".env": "may hold secrets: environments have their own",
    ".file_versions": "Mage's copies of older versions",
    ".logs": "logs of runs",
    ".preferences.yaml": "what Mage remembers of one person",
    ".ssh_tunnel": "Mage writes it at each start",
    ".variables": "outputs of runs",
    "mage-ai.db": "Mage's database: each environment has its own",
    "dbt_packages": "dbt installs it anew",
    "dbt_modules": "dbt installs it anew",
    ".venv": "a virtual environment",
    "venv": "a virtual environment",
    "node_modules": "installed packages",
    "__pycache__": "compiled by Python",
    ".ipynb_checkpoints": "copies by Jupyter",
    ".pytest_cache": "a cache",
    ".mypy_cache": "a cache",
    ".ruff_cache": "a cache",
    ".DS_Store": "written by macOS",
    ".git": "another repository's history",
}
_BESIDE_DBT = {"target": "written by dbt", "logs": "written by dbt"}  # where dbt_project.yml is


@dataclass(frozen=True)
class Source:
    """A Mage project: its folder, and the files that come along, by their paths in it."""

    folder: Path
    files: Mapping[str, Path]
    left: tuple[Left, ...]

    @property
    def name(self) -> str:
        """What Mage calls the project: the name of its folder."""
        return self.folder.name


def find_project(folder: Path) -> Source:
    """Return the Mage project in `folder`, at most three folders below; raise `UsageError` unless there is one."""
    if not folder.is_dir():
        raise UsageError("no-folder", f"there is no folder {folder}", fix="name the folder of a Mage project")
    found = list(_projects(folder.resolve(), _DEPTH))
    if not found:
        problem = (
            f"{folder} is no Mage project: no folder in it has pipelines/, or io_config.yaml beside metadata.yaml"
        )
        fix = "name the folder that `mage start` was given"
        raise UsageError("not-a-mage-project", problem, fix=fix)
    if len(found) > 1:
        names = "\n".join(f"  scripts/adopt.py {_shown(project)}" for project in found)
        raise UsageError("several-projects", f"{folder} holds {len(found)} Mage projects", fix=f"one of\n{names}")
    (project,) = found
    files, left = _tracked(project) or _on_disk(project)
    return Source(project, files, tuple(left))


def _shown(path: Path) -> str:
    return os.path.relpath(path)


def _projects(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the Mage projects in `folder`, none inside another one."""
    if _is_project(folder):
        yield folder
    elif depth:
        for below in sorted(folder.iterdir()):
            if below.is_dir() and not below.is_symlink() and not below.name.startswith((".", "__")):
                yield from _projects(below, depth - 1) if below.name not in _STATE else ()


def _is_project(folder: Path) -> bool:
    """Tell whether `folder` has what Mage's projects have; a pipeline has a metadata.yaml too, with blocks."""
    if any(folder.glob("pipelines/*/metadata.yaml")):
        return True
    if not (folder / "pipelines").is_dir() and not (folder / "io_config.yaml").is_file():
        return False
    try:
        text = (folder / "metadata.yaml").read_text(encoding="utf-8-sig")
        return "blocks" not in load_mapping("metadata.yaml", text, unique=False)
    except (OSError, UnicodeDecodeError):
        return False
    except Malformed:  # Jinja outside quotes: Mage renders the file first
        return True


# Files


def _tracked(project: Path) -> tuple[dict[str, Path], list[Left]] | None:
    """Return what git tracks of the project, as it is on disk; None if no repository has files of it."""
    try:
        paths = _listed(project, "--cached", "--recurse-submodules")
    except CommandError:
        return None
    if not paths:
        return None
    files, left = _without_state(project, paths)
    others = _listed(project, "--others", "--exclude-standard", "--directory", "--no-empty-directory")
    ignored = _listed(project, "--others", "--ignored", "--exclude-standard", "--directory")
    left += [
        _left(path, "git does not know it there: git add it first, if it belongs to the project")
        for path in others
    ]
    left += [_left(path, "git ignores it there") for path in ignored]
    return files, sorted({entry.path: entry for entry in reversed(left)}.values(), key=lambda entry: entry.path)


def _listed(project: Path, *options: str) -> list[str]:
    listing = run("git", "ls-files", "-z", *options, cwd=project)
    return [path for path in os.fsdecode(listing).split("\0") if path]


def _left(path: str, why: str) -> Left:
    state = next((_STATE[part] for part in path.rstrip("/").split("/") if part in _STATE), None)
    return Left(path, state or why)


def _on_disk(project: Path) -> tuple[dict[str, Path], list[Left]]:
    paths = [
        path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_symlink() or path.is_file()
    ]
    return _without_state(project, paths)


def _without_state(project: Path, paths: list[str]) -> tuple[dict[str, Path], list[Left]]:
    """Split `paths` into files that come along and what stays behind, of which a folder is told once."""
    files: dict[str, Path] = {}
    left: dict[str, str] = {}
    dbt = {path.rpartition("dbt_project.yml")[0] for path in paths if path.endswith("dbt_project.yml")}
    for path in sorted(paths):
        on_disk = project / path
        if state := _state(path, dbt):
            left.setdefault(*state)
        elif on_disk.is_symlink() or on_disk.is_file():
            files[path] = on_disk
        elif on_disk.is_dir():
            left[f"{path}/"] = "a git submodule that is not checked out: git submodule update --init"
        else:
            left[path] = "deleted on disk"
    return files, [Left(path, why) for path, why in left.items()]


def is_state(path: str) -> bool:
    """Tell whether the file `path` is left there by Mage, Python or a person, and belongs to no code."""
    return _state(path, set()) is not None


def _state(path: str, dbt: set[str]) -> tuple[str, str] | None:
    """Return the file or folder that is state around `path`, and why; None if `path` belongs to the project."""
    parts = path.split("/")
    for depth, part in enumerate(parts):
        above = "".join(f"{name}/" for name in parts[:depth])
        end = "/" if depth + 1 < len(parts) else ""
        why = _STATE.get(part) or (_BESIDE_DBT.get(part) if end and above in dbt else None)
        if why is None and part.startswith(".env.") and not part.endswith((".example", ".template", ".sample")):
            why = _STATE[".env"]
        if why is None and part.endswith((".pyc", ".pyo")):
            why = _STATE["__pycache__"]
        if why:
            return f"{above}{part}{end}", why
    return None
