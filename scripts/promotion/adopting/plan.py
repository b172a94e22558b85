"""What adopting a project would do: one commit on top of what is checked out here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from basics.errors import Conflict, PromotionError, UsageError
from basics.process import run
from basics.wording import few
from promotion.adopting.beside import Package, packages_beside, uses_its_own_name
from promotion.adopting.environments import Supplied, values_for
from promotion.adopting.source import Left, Source, find_project
from promotion.configuration.environment import configured
from promotion.layout import ENVIRONMENTS, EXAMPLE, PACKAGES, PROJECT
from promotion.repository.git import Repository
from promotion.repository.tree import EXECUTABLE, SYMLINK, File, Tree

METADATA = f"{PROJECT}/metadata.yaml"
_NOT_IN_A_BRANCH = re.compile(r"[^A-Za-z0-9_-]+")
_OF_A_TEAM = (PROJECT, ENVIRONMENTS)
EXAMPLES_ID = "project_uuid: 5f0c0a52d3e94e0b9d0c8f6b2b7f4a11"  # in its metadata.yaml


@dataclass(frozen=True)
class Change:
    """A file that comes in another form than it has there, and how it differs."""

    path: str
    what: str


@dataclass(frozen=True)
class Adoption:
    """What would be done to the commit `head`: `tree` is the result."""

    head: str
    source: Source
    before: Tree
    tree: Tree
    own_name: bool
    packages: tuple[Package, ...]
    changes: tuple[Change, ...]
    left: tuple[Left, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the project is here already."""
        return self.tree is self.before

    @property
    def branch(self) -> str:
        """The branch that is made."""
        return f"adopt/{_NOT_IN_A_BRANCH.sub('-', self.source.name).strip('-.') or 'project'}"


def plan_adoption(repository: Repository, folder: Path) -> Adoption:
    """Return the plan to bring the Mage project in `folder` to what this clone has checked out.

    Raises `UsageError` where `folder` has no project, or more than one; `Conflict` where another project than the
    example is here; `PromotionError` where what is checked out has changes that are not committed.
    """
    source = find_project(folder)
    head = run("git", "rev-parse", "--verify", "HEAD^{commit}", cwd=repository.root).decode().strip()
    before = repository.tree(head)
    if source.folder.is_relative_to(repository.root.resolve()):
        raise UsageError(
            "inside-this-clone", f"{folder} is in this clone already", fix="name a folder outside of it"
        )
    if _is_here(before, source):
        return Adoption(head, source, before, before, own_name=False, packages=(), changes=(), left=())
    _refuse_another_project(before)
    _refuse_uncommitted(repository)
    return _composed(repository, head, source, before)


def _is_here(tree: Tree, source: Source) -> bool:
    """Tell whether the project is here: its metadata.yaml, which no adoption changes, has its own id."""
    metadata = source.files.get("metadata.yaml")
    return metadata is not None and METADATA in tree and tree.read(METADATA) == metadata.read_bytes()


def _refuse_another_project(tree: Tree) -> None:
    is_example = METADATA in tree and EXAMPLES_ID.encode() in tree.read(METADATA)
    if tree.has_folder(PROJECT) and not is_example:
        raise Conflict(
            "already-adopted",
            f"{PROJECT}/ holds another project than the example",
            fix=f"adopt in a new clone of the template; or copy the changed files to {PROJECT}/ and commit them",
        )


def _refuse_uncommitted(repository: Repository) -> None:
    if changed := repository.uncommitted(["."]):
        raise PromotionError(
            "uncommitted-changes",
            f"not committed: {few(changed)}; an adoption begins with what is committed",
            fix="commit, or set them aside: git stash --include-untracked",
        )


def _composed(repository: Repository, head: str, source: Source, before: Tree) -> Adoption:
    own_name, packages = uses_its_own_name(source), tuple(packages_beside(source))
    files = _made_room(before)
    files |= _from_disk(repository, {f"{PROJECT}/{path}": file for path, file in source.files.items()})
    for package in packages:
        files |= _from_disk(repository, {f"{PACKAGES}/{path}": file for path, file in package.files.items()})
    if own_name:
        link = repository.write_blob(f"../{PROJECT}".encode())
        files[f"{PACKAGES}/{source.name}"] = File(SYMLINK, link.oid)
    for name in configured(before):
        path = f"{ENVIRONMENTS}/{name}/values.yaml"
        files[path] = repository.write_blob(values_for(before.text(path), Supplied()).encode())
    return Adoption(head, source, before, before.of_files(files), own_name, packages, changes=(), left=source.left)


def _made_room(before: Tree) -> dict[str, File]:
    """Return the files of `before` with the example in its own folder; its policies stay, too."""
    example = before.under(*_OF_A_TEAM)
    files = dict(before.without(before.under(PROJECT)))
    return files | {f"{EXAMPLE}/{path}": file for path, file in example.items()}


def _from_disk(repository: Repository, files: Mapping[str, Path]) -> dict[str, File]:
    """Store the contents of `files`, by their paths here, and return them as git keeps them."""
    links = {path: file for path, file in files.items() if file.is_symlink()}
    regular = {path: file for path, file in files.items() if path not in links}
    stored: Iterable[File] = repository.write_files(regular.values())
    made = {path: _with_mode(file, regular[path]) for path, file in zip(regular, stored, strict=True)}
    for path, file in links.items():
        made[path] = File(SYMLINK, repository.write_blob(str(file.readlink()).encode()).oid)
    return made


def _with_mode(file: File, on_disk: Path) -> File:
    return File(EXECUTABLE, file.oid) if on_disk.stat().st_mode & 0o100 else file
