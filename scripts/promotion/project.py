"""A Mage project in a tree: its pipelines, and for each the closure (every file that it needs)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from promotion.closure import Closure, closure_of
from promotion.layout import FOLDER as FOLDER
from promotion.tree import File, Tree

T = TypeVar("T")


@dataclass(frozen=True)
class _Followed:
    """A closure with its digest, and the files that it was followed through."""

    closure: Closure
    files: tuple[File | None, ...]
    digest: str


class Project:
    """The Mage project of one tree, read without Mage and without a work tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._code = tree.under(FOLDER)
        self._followed: dict[str, _Followed] = {}
        self._is_read = False

    @cached_property
    def pipelines(self) -> list[str]:
        """The names of all pipelines: the folders below `pipelines/`."""
        below = (path.split("/", 3) for path in self._code.paths_at(f"{FOLDER}/pipelines"))
        return sorted({parts[2] for parts in below if len(parts) > 3})

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def closure(self, name: str) -> Closure:
        """Return the closure of the pipeline `name`."""
        return self._follow(name).closure

    def digest(self, name: str) -> str:
        """Return the digest of the pipeline `name`: equal exactly when every file that it needs is."""
        return self._follow(name).digest

    def _follow(self, name: str) -> _Followed:
        """Return what is remembered of `name`: it depends on the paths of the project and on its own files."""
        if name not in self._followed:
            self._followed[name] = self._code.memory.recall_where(
                f"closures@{self._code.shape[:12]}",
                name,
                self._still_holds,
                lambda: self._follow_anew(name),
            )
        return self._followed[name]

    def _still_holds(self, known: _Followed) -> bool:
        # What is wrong may be so because of files that the closure has not got.
        return not known.closure.findings and self._code.files_at(known.closure.files) == known.files

    def _follow_anew(self, name: str) -> _Followed:
        if not self._is_read:
            self._is_read = True
            self.tree.read_ahead()
        closure = closure_of(self._code, name)
        files = self._code.files_at(closure.files)
        return _Followed(closure, files, self._code.only(closure.files).digest())

    def recall(self, kind: str, name: str, work_out: Callable[[Project, str], T]) -> T:
        """Return what `work_out` makes of the closure of `name` alone, remembered as `kind` for each digest."""
        return self.tree.memory.recall(kind, self.digest(name), lambda: work_out(self, name))

    def users(self, path: str) -> list[str]:
        """Return the pipelines whose closure holds `path`."""
        return self._users.get(path, [])

    @property
    def claimed(self) -> Set[str]:
        """The paths that belong to at least one pipeline."""
        return self._users.keys()

    def digests(self) -> dict[str, str]:
        """Return the digest of every pipeline."""
        return {name: self.digest(name) for name in self.pipelines}

    @cached_property
    def _users(self) -> Mapping[str, list[str]]:
        users: dict[str, list[str]] = defaultdict(list)
        for name in self.pipelines:
            for path in self.closure(name).files:
                users[path].append(name)
        return dict(users)

    def readers(self, name: str) -> list[str]:
        """Return the pipelines that read the tables of `name`, or of such a pipeline, each after what it reads."""
        found, waiting = {name}, [name]
        while waiting:
            new = self._readers.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return [other for other in self.needed_first(sorted(found)) if other in found - {name}]

    @cached_property
    def _readers(self) -> Mapping[str, set[str]]:
        readers: dict[str, set[str]] = defaultdict(set)
        for name in self.pipelines:
            for needed in self._needs(name):
                readers[needed].add(name)
        return dict(readers)

    def _needs(self, name: str) -> tuple[str, ...]:
        pipeline = self.closure(name).pipeline
        return pipeline.needs if pipeline else ()

    def needed_first(self, names: list[str]) -> list[str]:
        """Return `names` and the pipelines whose tables they read, each after what it reads."""
        ordered: list[str] = []
        visited: set[str] = set()

        def visit(name: str) -> None:
            if name in visited or name not in self:
                return
            visited.add(name)
            for needed in self._needs(name):
                visit(needed)
            ordered.append(name)

        for name in names:
            visit(name)
        return ordered

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.pipelines)
