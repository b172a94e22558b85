"""The plan of an upgrade: one commit on top of what the team has, made by a three-way merge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from promotion.repository.git import Repository
from promotion.repository.local_branch import checked_out
from promotion.repository.three_way import Merged, merge
from promotion.repository.tree import Tree
from promotion.upgrading.example import place_of_example
from promotion.upgrading.notes import new_notes
from promotion.upgrading.renames import Renamed, new_renames, rename_keys
from promotion.upgrading.template import OF_THE_TEAM, RECORD, Version, read_version, version_taken

FRONT_PAGE = "README.md"
LOCKS = ("requirements.txt", "requirements-dev.txt")


@dataclass(frozen=True)
class Own:
    """A file of the template that the team changed: what they did, and what becomes of it."""

    path: str
    change: str  # added, changed, removed
    outcome: str  # kept, merged, conflict; replaced: a lock, which is made again


@dataclass(frozen=True)
class Upgrade:
    """What an upgrade would do to the commit `head`; `merged` is the result, with any conflicts."""

    head: str
    base: Version
    new: Version
    before: Tree
    merged: Merged
    own: tuple[Own, ...]
    renamed: tuple[Renamed, ...]
    notes: Mapping[str, Sequence[str]]

    @property
    def changed(self) -> list[str]:
        """The files that would change, come or go, without the one that says which version is here."""
        return [path for path in self.before.differences(self.merged.tree) if path != RECORD]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changed and not self.merged.conflicts

    @property
    def has_own_packages(self) -> bool:
        """Whether the locks have to be made again, because the team has packages that the template has not."""
        return any(own.path in LOCKS for own in self.own)


def message_of(version: Version) -> str:
    """Return the message of the commit that brings `version`."""
    return f"Upgrade to {version.number} of the template\n\nIt is {version.commit} there.\n"


def plan_upgrade(repository: Repository, commit: str) -> Upgrade:
    """Return the plan to bring the version at `commit`, which is fetched, to what this clone has checked out."""
    head = checked_out(repository)
    new = read_version(repository, commit)
    base = version_taken(repository, head, new)
    ours = repository.tree(head)
    place_base, place_new = place_of_example(repository, head, base, new)
    before = place_base(base.tree)
    texts, renamed = rename_keys(ours.without(before), new_renames(base.tree, new.tree))
    written = {path: repository.write_blob(text.encode()) for path, text in texts.items()}
    written[RECORD] = repository.write_blob(new.record)
    after = place_new(new.tree).overlaid_with(ours.of_files(written))
    before = before.overlaid_with(ours.only(path for path in written if path in ours))
    if ours.get(FRONT_PAGE) != before.get(FRONT_PAGE):
        before, after = (_with_front_page_of(ours, version) for version in (before, after))
    merged = _with_new_locks(merge(repository, before, ours, after, message_of(new)), after)
    own = tuple(_own(before, ours, after, merged))
    return Upgrade(head, base, new, ours, merged, own, tuple(renamed), new_notes(base.tree, new.tree))


def _with_front_page_of(ours: Tree, version: Tree) -> Tree:
    """Let a team that has a front page of its own keep it: to merge it with another one makes no sense."""
    return version.without([FRONT_PAGE]).overlaid_with(ours.under(FRONT_PAGE))


def _with_new_locks(merged: Merged, after: Tree) -> Merged:
    """Take the locks of the new version where nothing else is in conflict: `make lock` makes them again."""
    if not set(merged.conflicts) <= set(LOCKS):
        return merged
    return replace(merged, tree=merged.tree.overlaid_with(after.under(*merged.conflicts)), conflicts={})


def _own(before: Tree, ours: Tree, after: Tree, merged: Merged) -> Iterator[Own]:
    """Yield the files of the template that the team changed, unless the new version has the same change."""
    for path in before.without(before.under(*OF_THE_TEAM)).differences(ours.without(ours.under(*OF_THE_TEAM))):
        change = "removed" if path not in ours else "changed" if path in before else "added"
        if path in merged.conflicts:
            yield Own(path, change, "conflict")
        elif before.get(path) == after.get(path):
            yield Own(path, change, "kept")
        elif merged.tree.get(path) != after.get(path):
            yield Own(path, change, "merged")
        elif ours.get(path) != after.get(path):
            yield Own(path, change, "replaced")
