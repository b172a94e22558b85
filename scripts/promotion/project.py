"""A Mage project in a tree: its pipelines, and for each the closure (every file that it needs)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from functools import cached_property

from promotion.closure import Closure, closure_of
from promotion.layout import FOLDER as FOLDER
from promotion.tree import Tree


class Project:
    """The Mage project of one tree, read without Mage and without a work tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._closures: dict[str, Closure] = {}
        self._digests: dict[str, str] = {}

    @cached_property
    def pipelines(self) -> list[str]:
        """The names of all pipelines: the folders below `pipelines/`."""
        below = (path.split("/", 3) for path in self.tree.under(f"{FOLDER}/pipelines"))
        return sorted({parts[2] for parts in below if len(parts) > 3})

    def closure(self, name: str) -> Closure:
        """Return the closure of the pipeline `name`."""
        if name not in self._closures:
            self._closures[name] = closure_of(self.tree, name)
        return self._closures[name]

    def digest(self, name: str) -> str:
        """Return the digest of the pipeline `name`: equal exactly when every file that it needs is."""
        if name not in self._digests:
            self._digests[name] = self.tree.only(self.closure(name).files).digest()
        return self._digests[name]

    def users(self, path: str) -> list[str]:
        """Return the pipelines whose closure holds `path`."""
        return self._users.get(path, [])

    @property
    def claimed(self) -> Set[str]:
        """The paths that belong to at least one pipeline."""
        return self._users.keys()

    def digests(self) -> dict[str, str]:
        """Return the digest of every pipeline."""
        self.tree.read_ahead()
        return {name: self.digest(name) for name in self.pipelines}

    @cached_property
    def _users(self) -> Mapping[str, list[str]]:
        self.tree.read_ahead()
        users: dict[str, list[str]] = defaultdict(list)
        for name in self.pipelines:
            for path in self.closure(name).files:
                users[path].append(name)
        return dict(users)

    def needed_first(self, names: list[str]) -> list[str]:
        """Return `names` and the pipelines whose tables they read, each after what it reads."""
        ordered: list[str] = []
        visited: set[str] = set()

        def visit(name: str) -> None:
            if name in visited or name not in self._names:
                return
            visited.add(name)
            pipeline = self.closure(name).pipeline
            for needed in pipeline.needs if pipeline else ():
                visit(needed)
            ordered.append(name)

        for name in names:
            visit(name)
        return ordered

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.pipelines)
