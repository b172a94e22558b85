"""What adopting a project would do: one commit on top of what is checked out here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from basics.errors import Conflict, PromotionError, UsageError
from basics.wording import few
from promotion.adopting.beside import Package, folders_around, own_name, packages_beside
from promotion.adopting.changes import Change, Left
from promotion.adopting.connections import moved_out, secrets_for, secrets_of_mage, settings_for
from promotion.adopting.environments import Supplied, values_for
from promotion.adopting.source import Source, find_project
from promotion.adopting.triggers import Schedules, Trigger, is_triggers_file, schedules_of
from promotion.configuration.environment import environment_names
from promotion.layout import ENVIRONMENTS, EXAMPLE, PACKAGES, PROJECT
from promotion.pipelines import io_config
from promotion.pipelines.demands import demands_of
from promotion.pipelines.project import Project
from promotion.repository.git import Repository
from promotion.repository.local_branch import checked_out
from promotion.repository.tree import EXECUTABLE, SYMLINK, File, Tree, tree_of_folder
from promotion.triggers.conversion import TOKENS

METADATA = f"{PROJECT}/metadata.yaml"
EXAMPLES_ID = "project_uuid: 5f0c0a52d3e94e0b9d0c8f6b2b7f4a11"  # in its metadata.yaml
_NOT_IN_A_BRANCH = re.compile(r"[^A-Za-z0-9_-]+")
_OF_A_TEAM = (PROJECT, ENVIRONMENTS)


@dataclass(frozen=True)
class Adoption:
    """What would be done to the commit `head`: `tree` is the result.

    `secrets` are the Secrets that have to be in the cluster, by environment: their keys by their names.
    """

    head: str
    source: Source
    before: Tree
    tree: Tree
    own_name: str | None = None
    packages: tuple[Package, ...] = ()
    changes: tuple[Change, ...] = ()
    left: tuple[Left, ...] = ()
    secrets: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    secrets_of_mage: tuple[str, ...] = ()  # that are in the database of Mage

    @property
    def is_empty(self) -> bool:
        """Whether the project is here already."""
        return self.tree is self.before

    @property
    def branch(self) -> str:
        """The branch that is made."""
        return f"adopt/{_NOT_IN_A_BRANCH.sub('-', self.source.name).strip('-.') or 'project'}"


def plan_adoption(repository: Repository, folder: Path, running: Iterable[Trigger] = ()) -> Adoption:
    """Return the plan to bring the Mage project in `folder` to what this clone has checked out.

    `running` are the triggers of a Mage that runs the project. Raises `UsageError` where `folder` has no project,
    or more than one; `Conflict` where another project than the example is here; `PromotionError` where what is
    checked out has changes that are not committed.
    """
    source = find_project(folder)
    head = checked_out(repository)
    before = repository.tree(head)
    if source.folder.is_relative_to(repository.root.resolve()):
        problem = f"{folder} is in this clone already"
        raise UsageError("inside-this-clone", problem, fix="name a folder outside of it")
    if _is_here(before, source):
        return Adoption(head, source, before, before)
    _refuse_another_project(before)
    _refuse_uncommitted(repository)
    return _composed(repository, head, source, before, running)


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


def _composed(
    repository: Repository, head: str, source: Source, before: Tree, running: Iterable[Trigger]
) -> Adoption:
    own, packages = own_name(source), tuple(packages_beside(source))
    environments = environment_names(before)
    schedules = schedules_of(source, running, environments)
    on_disk = _on_disk(source, packages)
    links = {f"{PACKAGES}/{own}": f"../{PROJECT}"} if own else {}
    theirs = Project(_in_memory(source, on_disk))
    literals = moved_out(theirs.tree, demands_of(theirs, theirs.pipelines))
    # The original with its secrets must not come into git, not even as an object that no commit has.
    rewritten = {io_config.PATH: literals.text} if literals.changes else {}
    files = _made_room(before) | _stored(repository, on_disk, links, rewritten)
    project = Project(before.of_files(files))
    demands = demands_of(project, project.pipelines)
    supplied = {
        name: Supplied(
            settings_for(demands, literals.known, first=name == environments[0]),
            secrets_for(demands, source.name),
            schedules.entries[name],
        )
        for name in environments
    }
    for name, each in supplied.items():
        path = f"{ENVIRONMENTS}/{name}/values.yaml"
        files[path] = repository.write_blob(values_for(before.text(path), each).encode())
    return Adoption(
        head,
        source,
        before,
        before.of_files(files),
        own,
        packages,
        (*literals.changes, *_told(supplied[environments[0]]), *schedules.changes),
        (*source.left, *_requirements_around(source), *schedules.left),
        {name: _secrets(each, schedules, name) for name, each in supplied.items()},
        tuple(secrets_of_mage(demands)),
    )


def _requirements_around(source: Source) -> list[Left]:
    """Return files of packages that may be for more than the project: a person knows which it needs."""
    found = (folder / "requirements.txt" for folder in folders_around(source.folder))
    why = f"write the packages that the project needs into {PROJECT}/requirements.txt"
    return [Left(os.path.relpath(file, source.folder), why) for file in found if file.is_file()]


def _told(supplied: Supplied) -> list[Change]:
    path = f"{ENVIRONMENTS}/*/values.yaml"
    kinds = (("io.settings", supplied.settings), ("io.secrets", supplied.secrets))
    return [Change(path, f"{kind}: {', '.join(names)}") for kind, names in kinds if names]


def _secrets(supplied: Supplied, schedules: Schedules, environment: str) -> dict[str, tuple[str, ...]]:
    """Return the Secrets that an environment needs, each with its keys."""
    found: dict[str, tuple[str, ...]] = {}
    for secret, key in supplied.secrets.values():
        found[secret] = (*found.get(secret, ()), key)
    tokens = schedules.tokens.get(environment)
    return found | ({TOKENS: tokens} if tokens else {})


# Files


def _on_disk(source: Source, packages: Iterable[Package]) -> dict[str, Path]:
    """Return the files that come, by their paths here."""
    project = {f"{PROJECT}/{path}": file for path, file in source.files.items() if not is_triggers_file(path)}
    return project | {f"{PACKAGES}/{path}": file for package in packages for path, file in package.files.items()}


def _in_memory(source: Source, on_disk: Mapping[str, Path]) -> Tree:
    """Return the files as they are there, to be looked at; nothing is stored."""
    around = source.folder.parent
    beside = {file.relative_to(around).as_posix(): path for path, file in on_disk.items()}
    there = tree_of_folder(around, beside)
    return there.of_files({beside[path]: file for path, file in there.items()})


def _made_room(before: Tree) -> dict[str, File]:
    """Return the files of `before` with the example in its own folder; its policies stay, too."""
    example = before.under(*_OF_A_TEAM)
    files = dict(before.without(before.under(PROJECT)))
    return files | {f"{EXAMPLE}/{path}": file for path, file in example.items()}


def _stored(
    repository: Repository, on_disk: Mapping[str, Path], links: Mapping[str, str], rewritten: Mapping[str, str]
) -> dict[str, File]:
    """Store the contents and return them, by their paths here, as git keeps them."""
    links = {path: str(file.readlink()) for path, file in on_disk.items() if file.is_symlink()} | dict(links)
    regular = {path: file for path, file in on_disk.items() if path not in links and path not in rewritten}
    stored = repository.write_files(regular.values())
    files = {path: _with_mode(file, regular[path]) for path, file in zip(regular, stored, strict=True)}
    files |= {path: repository.write_blob(text.encode()) for path, text in rewritten.items()}
    return files | {path: File(SYMLINK, repository.write_blob(to.encode()).oid) for path, to in links.items()}


def _with_mode(file: File, on_disk: Path) -> File:
    return File(EXECUTABLE, file.oid) if on_disk.stat().st_mode & 0o100 else file
