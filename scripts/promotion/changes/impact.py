"""What a change of a pipeline means for the data that it has written."""

from __future__ import annotations

import ast
import hashlib
import re
import warnings
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, timedelta

from basics.errors import Malformed
from basics.wording import few
from basics.yaml_file import load_mapping
from promotion.layout import PROJECT
from promotion.pipelines.project import Project
from promotion.repository.tree import SYMLINK, Tree

_OF_PIPELINE = re.compile(rf"{PROJECT}/pipelines/[^/]+/([^/]+)")
_FOR_PEOPLE = re.compile(r"promotion\.yaml|README(\..*)?", re.IGNORECASE)  # files that no run reads
_KEYS_FOR_PEOPLE = ("created_at", "description", "tags")  # keys of metadata.yaml that no run reads


@dataclass(frozen=True)
class Impact:
    """What a release does to the data of a pipeline, and which data stay as another version wrote them.

    `start` is the first day of those data, None where there is nothing to backfill. A change matters to as many
    `days` before the release as the owner says, None for all. `readers` are the pipelines that read these data.
    """

    kind: str  # none | new output | output changes
    start: date | None = None
    days: int | None = None
    readers: tuple[str, ...] = ()  # each after those that it reads

    def first_day(self, released: date) -> date | None:
        """Return the first day to backfill after a release on the day `released`."""
        if self.start is None or self.days is None:
            return self.start
        return max(self.start, released - timedelta(self.days))

    def __str__(self) -> str:
        if self.kind == "none":
            return "no data impact"
        if self.kind == "new output":
            return self.kind
        if self.start is None:
            return f"{self.kind}, no backfill"
        limit = f", at most {self.days} days" if self.days else ""
        then = f", then {few(self.readers)}" if self.readers else ""
        return f"{self.kind}, backfill from {self.start}{limit}{then}"


NO_IMPACT = Impact("none")


def impact(before: Project, after: Project, name: str, start: date | None) -> Impact:
    """Return the impact of adding or changing the pipeline `name`.

    Data of other versions begin on `start`; a pipeline that was removed before has also left data.
    """
    if start is None:
        return Impact("new output")
    if not _differs(before, after, name):
        return NO_IMPACT
    days = _days(after, name)
    if days == 0:
        return Impact("output changes")
    readers = tuple(reader for reader in after.readers(name) if _days(after, reader) != 0)
    return Impact("output changes", start, days, readers)


def _days(project: Project, name: str) -> int | None:
    pipeline = project.closure(name).pipeline
    return pipeline.backfill if pipeline else None


def _differs(before: Project, after: Project, name: str) -> bool:
    """Tell whether a run may do something else than before; in doubt, it may."""
    paths = {*before.closure(name).files, *after.closure(name).files}
    changed = (path for path in paths if before.tree.get(path) != after.tree.get(path))
    return any(_meaning(before.tree, path) != _meaning(after.tree, path) for path in changed)


def _meaning(tree: Tree, path: str) -> Hashable:
    """Return the part of the file `path` that a run depends on, for comparison; None if a run does not read it."""
    in_folder = _OF_PIPELINE.fullmatch(path)
    if path not in tree or (in_folder and _FOR_PEOPLE.fullmatch(in_folder[1])):
        return None
    mode, oid = tree[path].mode, tree[path].oid
    if mode == SYMLINK:
        return mode, oid
    if in_folder and in_folder[1] == "metadata.yaml":
        return mode, _settings(tree, path)
    if path.endswith(".py"):
        return mode, tree.recall("code", path, _code) or oid
    return mode, oid


def _settings(tree: Tree, path: str) -> str:
    """Return the settings in a pipeline's metadata.yaml that Mage uses."""
    try:
        content = load_mapping(path, tree.text(path))
    except Malformed:  # the static gate reports it
        return tree[path].oid
    return repr({key: value for key, value in content.items() if key not in _KEYS_FOR_PEOPLE})


def _code(content: bytes) -> str | None:
    """Return a digest of the Python code `content` without comments and layout; docstrings may be data."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return hashlib.sha256(ast.dump(ast.parse(content)).encode(errors="surrogatepass")).hexdigest()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
