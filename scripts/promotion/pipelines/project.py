"""A Mage project in a tree: its pipelines, and for each the closure (every file that it needs)."""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from functools import cached_property
from typing import NamedTuple, TypeVar

from basics.errors import Finding
from promotion.layout import FOLDER as FOLDER
from promotion.pipelines.closure import Closure, closure_of
from promotion.repository.noted_tree import NotedTree, changed_answers
from promotion.repository.tree import Tree

T = TypeVar("T")

_REMEMBERED = "projects"


class Summary(NamedTuple):
    """What a closure comes to."""

    digest: str
    key: str  # a digest of all that the closure alone decides
    files: tuple[str, ...]
    questions: tuple[str, ...]  # what else the tree was asked for it: see `NotedTree`
    needs: tuple[str, ...]
    findings: tuple[Finding, ...]


class _Followed(NamedTuple):
    """A closure, and what the tree was asked for it."""

    closure: Closure
    questions: Set[str]


class _Known(NamedTuple):
    """What is known before anything is followed: of which files, and what of it was followed by this command."""

    files: Tree
    summaries: Mapping[str, Summary]
    followed: Mapping[str, _Followed]


class Project:
    """The Mage project of one tree, read without Mage and without a work tree.

    Only those of its pipelines are followed anew that may be others than those that were remembered of `place`, or
    where there is nothing, those of the project `like`.
    """

    def __init__(self, tree: Tree, *, place: str | None = None, like: Project | None = None) -> None:
        self.tree = tree
        self._code = tree.under(FOLDER)
        self._place = place
        self._like = like
        self._followed: dict[str, _Followed] = {}

    @cached_property
    def pipelines(self) -> list[str]:
        """The names of all pipelines: the folders below `pipelines/`."""
        below = (path.split("/", 3) for path in self._code.paths_at(f"{FOLDER}/pipelines"))
        return sorted({parts[2] for parts in below if len(parts) > 3})

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

    # What the closures of all pipelines come to

    @cached_property
    def summaries(self) -> Mapping[str, Summary]:
        """The summary of every pipeline's closure."""
        known, kept = self._known.summaries, self._names - self.renewed
        self._followed |= {name: each for name, each in self._known.followed.items() if name in kept}
        (self._code.only(self._changed & self._code.keys()) if known else self.tree).read_ahead()
        summaries = {name: self._summary(name) if name in self.renewed else known[name] for name in self.pipelines}
        if self._place and self._changed:
            self._remember(self._place, summaries)
        return summaries

    @cached_property
    def renewed(self) -> Set[str]:
        """The pipelines whose closures may be others than in what was known."""
        known = self._known.summaries
        return {name for name in self.pipelines if name not in known or _depends_on(self._changed, known[name])}

    @cached_property
    def _changed(self) -> Set[str]:
        """The questions that were answered otherwise by the files of what was known."""
        return set(changed_answers(self._known.files, self._code))

    @cached_property
    def _known(self) -> _Known:
        files, summaries = self.tree.memory.known(_REMEMBERED, self._place, ({}, {})) if self._place else ({}, {})
        if self._like and not summaries:
            return _Known(self._like._code, self._like.summaries, self._like._followed)
        return _Known(self._code.of_files(files), summaries, {})

    def _summary(self, name: str) -> Summary:
        closure, questions = self._follow(name)
        digest = self._code.only(closure.files).digest()
        files = tuple(map(sys.intern, closure.files))  # a path that many need is kept once
        others = tuple(sorted(map(sys.intern, questions - closure.files.keys())))
        needs = closure.pipeline.needs if closure.pipeline else ()
        # Closures of several pipelines may have the same files, and blocks may find theirs elsewhere among them.
        key = hashlib.sha256(repr((name, digest, closure.block_paths)).encode()).hexdigest()
        return Summary(digest, key, files, others, needs, closure.findings)

    def remember(self, place: str) -> None:
        """Keep what is known of the project for the next command that reads `place`."""
        self._remember(place, self.summaries)

    def _remember(self, place: str, summaries: Mapping[str, Summary]) -> None:
        files = {sys.intern(path): file for path, file in self._code.items()}
        self.tree.memory.remember(_REMEMBERED, place, (files, summaries))

    def digest(self, name: str) -> str:
        """Return the digest of the pipeline `name`: equal exactly when every file that it needs is."""
        return self.summaries[name].digest

    def digests(self) -> dict[str, str]:
        """Return the digest of every pipeline."""
        return {name: summary.digest for name, summary in self.summaries.items()}

    def recall(self, kind: str, name: str, work_out: Callable[[Project, str], T]) -> T:
        """Return what `work_out` makes of the closure of `name` alone, remembered as `kind` while it stays."""
        return self.tree.memory.recall(kind, self.summaries[name].key, lambda: work_out(self, name))

    def users(self, paths: Iterable[str]) -> dict[str, list[str]]:
        """Return for each of `paths` the pipelines whose closure holds it."""
        users: dict[str, list[str]] = {path: [] for path in paths}
        for name, summary in self.summaries.items():
            for path in users.keys() & summary.files:
                users[path].append(name)
        return users

    def files_of(self, names: Iterable[str]) -> set[str]:
        """Return the paths that those of `names` need that are pipelines here."""
        return {path for name in names if name in self for path in self.closure(name).files}

    @cached_property
    def claimed(self) -> Set[str]:
        """The paths that belong to at least one pipeline."""
        return set().union(*(summary.files for summary in self.summaries.values()))

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
        for name, summary in self.summaries.items():
            for needed in summary.needs:
                readers[needed].add(name)
        return dict(readers)

    def needed_first(self, names: list[str]) -> list[str]:
        """Return `names` and the pipelines whose tables they read, each after what it reads."""
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
