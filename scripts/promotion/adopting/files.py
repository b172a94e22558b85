"""The files of an adoption: those that come, and the example, which makes room for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from promotion.adopting.beside import Package
from promotion.adopting.source import Source
from promotion.adopting.triggers import is_triggers_file
from promotion.layout import ENVIRONMENTS, EXAMPLE, PACKAGES, PROJECT
from promotion.repository.git import Repository
from promotion.repository.tree import EXECUTABLE, SYMLINK, File, Tree


def coming(source: Source, packages: Iterable[Package]) -> dict[str, Path]:
    """Return the files that come, by their paths here."""
    project = {f"{PROJECT}/{path}": file for path, file in source.files.items() if not is_triggers_file(path)}
    return project | {f"{PACKAGES}/{path}": file for package in packages for path, file in package.files.items()}


def made_room(before: Tree) -> dict[str, File]:
    """Return the files of `before` with the example in its own folder; its policies stay, too."""
    example = before.under(PROJECT, ENVIRONMENTS)
    files = dict(before.without(before.under(PROJECT)))
    return files | {f"{EXAMPLE}/{path}": file for path, file in example.items()}


def stored(
    repository: Repository, on_disk: Mapping[str, Path], links: Mapping[str, str], rewritten: Mapping[str, str]
) -> dict[str, File]:
    """Store the contents and return them, by their paths here, as git keeps them."""
    links = {path: str(file.readlink()) for path, file in on_disk.items() if file.is_symlink()} | dict(links)
    regular = {path: file for path, file in on_disk.items() if path not in links and path not in rewritten}
    contents = repository.write_files(regular.values())
    files = {path: _with_mode(file, regular[path]) for path, file in zip(regular, contents, strict=True)}
    files |= {path: repository.write_blob(text.encode()) for path, text in rewritten.items()}
    return files | {path: File(SYMLINK, repository.write_blob(to.encode()).oid) for path, to in links.items()}


def _with_mode(file: File, on_disk: Path) -> File:
    return File(EXECUTABLE, file.oid) if on_disk.stat().st_mode & 0o100 else file
