"""A Mage project in a tree: its pipelines, and for each the closure (every file that it needs)."""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from functools import cached_property
from typing import NamedTuple, TypeVar

from basics.errors import Finding
from promotion.layout import PACKAGES, PROJECT
from promotion.pipelines.closure import Closure, closure_of
from promotion.pipelines.own_name import project_folder
from promotion.repository.noted_tree import NotedTree, changed_answers
from promotion.repository.tree import Tree

T = TypeVar("T")

_REMEMBERED = "projects"


class Summary(NamedTuple):
    """What is remembered of a closure."""

    digest: str
    key: str  # a digest of everything that a result worked out from the closure alone depends on
    files: tuple[str, ...]
    questions: tuple[str, ...]  # what else the tree was asked to find it: see `NotedTree`
    needs: tuple[str, ...]
    findings: tuple[Finding, ...]


class _Followed(NamedTuple):
    """A closure, and what the tree was asked to find it."""

    closure: Closure
    questions: Set[str]


class _Known(NamedTuple):
    """What is known at the start: the files, the summaries, and the closures that this command has followed."""

    files: Tree
    summaries: Mapping[str, Summary]
    followed: Mapping[str, _Followed]


class Project:
    """The Mage project of one tree, read without Mage and without a work tree.

    A closure is gathered again only if it may differ from the one remembered for `environment` (or `main`); where
    nothing is remembered, from the one in the project `like`.
    """

    def __init__(self, tree: Tree, *, environment: str | None = None, like: Project | None = None) -> None:
        self.tree = tree
        self._code = tree.under(PROJECT, PACKAGES)
        self._environment = environment
        self._like = like
        self._followed: dict[str, _Followed] = {}

    @cached_property
    def pipelines(self) -> list[str]:
        """The names of all pipelines: the folders below `pipelines/`."""
        below = (path.split("/", 3) for path in self._code.paths_at(f"{PROJECT}/pipelines"))
        return sorted({parts[2] for parts in below if len(parts) > 3 and parts[2] != "__pycache__"})

    def __contains__(self, name: str) -> bool:
        return name in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.pipelines)

    def closure(self, name: str) -> Closure:
        """Return the closure of the pipeline `name`."""
        return self._follow(name).closure

    def _follow(self, name: str) -> _Followed:
        if name not in self._followed:
            tree = NotedTree(self._code)
            self._followed[name] = _Followed(closure_of(tree, name), tree.questions)
        return self._followed[name]

    # All closures

    @cached_property
    def summaries(self) -> Mapping[str, Summary]:
        """The summary of every pipeline's closure."""
        known, kept = self._known.summaries, self._names - self.renewed
        self._followed |= {name: each for name, each in self._known.followed.items() if name in kept}
        (self._code.only(self._changed & self._code.keys()) if known else self.tree).read_ahead()
        summaries = {name: self._summary(name) if name in self.renewed else known[name] for name in self.pipelines}
        if self._environment and self._changed:
            self._remember(self._environment, summaries)
        return summaries

    @cached_property
    def renewed(self) -> Set[str]:
        """The pipelines whose closures may differ from the known ones."""
        known = self._known.summaries
        return {name for name in self.pipelines if name not in known or _depends_on(self._changed, known[name])}

    @cached_property
    def _changed(self) -> Set[str]:
        """The questions that the known files answer differently."""
        return set(changed_answers(self._known.files, self._code))

    @cached_property
    def _known(self) -> _Known:
        memory, environment = self.tree.memory, self._environment
        files, summaries = memory.known(_REMEMBERED, environment, ({}, {})) if environment else ({}, {})
        if self._like and not summaries:
            return _Known(self._like._code, self._like.summaries, self._like._followed)
        return _Known(self._code.of_files(files), summaries, {})

    def _summary(self, name: str) -> Summary:
        closure, questions = self._follow(name)
        digest = self._code.only(closure.files).digest()
        files = tuple(map(sys.intern, closure.files))  # a path that many pipelines need is kept once
        others = tuple(sorted(map(sys.intern, questions - closure.files.keys())))
        needs = closure.pipeline.needs if closure.pipeline else ()
        # Two pipelines may have closures of the same files, and their blocks different files among these.
        told = (name, digest, closure.block_paths, project_folder(self._code))
        key = hashlib.sha256(repr(told).encode()).hexdigest()
        return Summary(digest, key, files, others, needs, closure.findings)

    def remember(self, environment: str) -> None:
        """Remember the closures for the next command that reads `environment` (or `main`)."""
        self._remember(environment, self.summaries)

    def _remember(self, environment: str, summaries: Mapping[str, Summary]) -> None:
        files = {sys.intern(path): file for path, file in self._code.items()}
        self.tree.memory.remember(_REMEMBERED, environment, (files, summaries))

    def digest(self, name: str) -> str:
        """Return the digest of the pipeline `name`: equal digests mean that all files that it needs are equal."""
        return self.summaries[name].digest

    def digests(self) -> dict[str, str]:
        """Return the digest of every pipeline."""
        return {name: summary.digest for name, summary in self.summaries.items()}

    def recall(self, kind: str, name: str, work_out: Callable[[Project, str], T]) -> T:
        """Return what `work_out` makes of the closure of `name` alone; remembered as `kind` until that changes."""
        return self.tree.memory.recall(kind, self.summaries[name].key, lambda: work_out(self, name))

    def users(self, paths: Iterable[str]) -> dict[str, list[str]]:
        """Return, for each of `paths`, the pipelines whose closures hold it."""
        users: dict[str, list[str]] = {path: [] for path in paths}
        for name, summary in self.summaries.items():
            for path in users.keys() & summary.files:
                users[path].append(name)
        return users

    def files_of(self, names: Iterable[str]) -> set[str]:
        """Return the paths that the pipelines `names` need; names of no pipeline are left out."""
        return {path for name in names if name in self for path in self.closure(name).files}

    @cached_property
    def claimed(self) -> Set[str]:
        """The paths that belong to at least one pipeline."""
        return set().union(*(summary.files for summary in self.summaries.values()))

    def readers(self, name: str) -> list[str]:
        """Return the pipelines that read the tables of `name`, also through others, each after what it reads."""
        found, waiting = {name}, [name]
        while waiting:
            new = self._readers.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return [other for other in self.needed_first(sorted(found)) if other in found - {name}]

    @cached_property
    def _readers(self) -> Mapping[str, set[str]]:
        readers: dict[str, set[str]] = defaultdict(set)
        for name, summary in self.summaries.items():
            for needed in summary.needs:
                readers[needed].add(name)
        return dict(readers)

    def needed_first(self, names: list[str]) -> list[str]:
        """Return `names` and the pipelines whose tables they read, each after those that it reads."""
        ordered: list[str] = []
        visited: set[str] = set()

        def visit(name: str) -> None:
            if name in visited or name not in self:
                return
            visited.add(name)
            for needed in self.summaries[name].needs:
                visit(needed)
            ordered.append(name)

        for name in names:
            visit(name)
        return ordered


def _depends_on(changed: Set[str], summary: Summary) -> bool:
    return not (changed.isdisjoint(summary.files) and changed.isdisjoint(summary.questions))
