"""What adopting a project would do: one commit on top of what is checked out here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from basics.errors import Conflict, PromotionError, UsageError
from basics.wording import few
from promotion.adopting.beside import Package, own_name, packages_beside
from promotion.adopting.changes import Change, Left
from promotion.adopting.connections import Literals, moved_out, secrets_for, secrets_of_mage, settings_for
from promotion.adopting.dotenv import plain_values
from promotion.adopting.environments import Supplied, values_for
from promotion.adopting.files import coming, made_room, stored
from promotion.adopting.requirements import changes_of_packages, with_packages_around
from promotion.adopting.source import Source, find_project
from promotion.adopting.triggers import Schedules, Trigger, schedules_of
from promotion.configuration.environment import environment_names
from promotion.gates.to_fill_in import TO_FILL_IN
from promotion.layout import ENVIRONMENTS, PACKAGES, PROJECT
from promotion.pipelines import io_config
from promotion.pipelines.demands import Demands, demands_of
from promotion.pipelines.project import Project
from promotion.pipelines.requirements import asked_packages, locked_packages
from promotion.repository.git import Repository
from promotion.repository.local_branch import checked_out
from promotion.repository.tree import File, Tree, tree_of_files
from promotion.triggers.conversion import TOKENS

METADATA = f"{PROJECT}/metadata.yaml"
EXAMPLES_ID = "project_uuid: 5f0c0a52d3e94e0b9d0c8f6b2b7f4a11"  # in its metadata.yaml
_NOT_IN_A_BRANCH = re.compile(r"[^A-Za-z0-9_-]+")


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
    def joining(self) -> list[str]:
        """The packages that the project asks for and the lock does not have yet."""
        locked = locked_packages(self.tree)
        return [str(asked.requirement) for asked in asked_packages(self.tree) if asked.name not in locked]

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
    source = with_packages_around(find_project(folder))
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
    on_disk = coming(source, packages)
    theirs = tree_of_files(on_disk)
    literals = moved_out(theirs, _demands(theirs))
    links = {f"{PACKAGES}/{own}": f"../{PROJECT}"} if own else {}
    # The original with its secrets must not come into git, not even as an object that no commit has.
    rewritten = {io_config.PATH: literals.text} if literals.changes else {}
    files = made_room(before) | stored(repository, on_disk, links, rewritten)
    demands = _demands(before.of_files(files))
    schedules = schedules_of(source, running, environment_names(before))
    supplied = _supplied(demands, source, literals, schedules)
    files |= _values(repository, before, supplied)
    return Adoption(
        head,
        source,
        before,
        before.of_files(files),
        own,
        packages,
        (*changes_of_packages(source), *literals.changes, *_told(supplied, literals), *schedules.changes),
        (*source.left, *schedules.left),
        {name: _secrets(each, schedules, name) for name, each in supplied.items()},
        tuple(secrets_of_mage(demands)),
    )


def _demands(tree: Tree) -> Demands:
    project = Project(tree)
    return demands_of(project, project.pipelines)


def _supplied(demands: Demands, source: Source, literals: Literals, schedules: Schedules) -> dict[str, Supplied]:
    """Return what each environment supplies, in the order of promotion; the first gets the known values."""
    known = {**plain_values(source), **literals.known}
    secrets = secrets_for(demands, literals.secrets, source.name)
    first, *_ = schedules.entries
    return {
        name: Supplied(settings_for(demands, known, literals.secrets, first=name == first), secrets, entries)
        for name, entries in schedules.entries.items()
    }


def _values(repository: Repository, before: Tree, supplied: Mapping[str, Supplied]) -> dict[str, File]:
    """Store the values.yaml of each environment and return it, by its path."""
    paths = {f"{ENVIRONMENTS}/{name}/values.yaml": each for name, each in supplied.items()}
    return {
        path: repository.write_blob(values_for(before.text(path), each).encode()) for path, each in paths.items()
    }


def _told(supplied: Mapping[str, Supplied], literals: Literals) -> Iterator[Change]:
    """Yield what comes into values.yaml; the value of a setting is io_config.yaml's, `.env`'s, or not known."""
    name, first = next(iter(supplied.items()))
    kinds = (("io.settings", first.settings), ("io.secrets", first.secrets))
    yield from (
        Change(f"{ENVIRONMENTS}/*/values.yaml", f"{kind}: {', '.join(names)}") for kind, names in kinds if names
    )
    others = {key: value for key, value in first.settings.items() if key not in literals.known}
    if of_dotenv := [key for key, value in others.items() if value != TO_FILL_IN]:
        yield Change(f"{ENVIRONMENTS}/{name}/values.yaml", f"has the values of .env for {', '.join(of_dotenv)}")


def _secrets(supplied: Supplied, schedules: Schedules, environment: str) -> dict[str, tuple[str, ...]]:
    """Return the Secrets that an environment needs, each with its keys."""
    found: dict[str, tuple[str, ...]] = {}
    for secret, key in supplied.secrets.values():
        found[secret] = (*found.get(secret, ()), key)
    tokens = schedules.tokens.get(environment)
    return found | ({TOKENS: tokens} if tokens else {})
