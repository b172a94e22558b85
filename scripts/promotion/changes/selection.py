"""Which pipelines a promotion takes: selectors, and for each pipeline the selector that brought it.

NAME            a pipeline                          state:modified   what differs between source and target
+NAME           and what it needs first             tag:TAG          what has the tag in its metadata.yaml
NAME+           and what needs it                   path:FILE        what needs the file
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from basics.errors import UsageError
from basics.wording import near
from promotion.pipelines.project import Project
from promotion.pipelines.python_source import python_sources

_MODIFIED = "state:modified"


def select(
    source: Project, target: Project, source_name: str, wanted: Sequence[str], excluded: Sequence[str]
) -> Mapping[str, str] | None:
    """Return the selected pipelines, each with its reason; None for a promotion without selectors.

    Of a pipeline that both sides have, the source's version is read. Raises `UsageError` for a selector that
    cannot match, and where no pipeline is left.
    """
    candidates = _Candidates(source, target, source_name)
    chosen: dict[str, str] = {}
    for selector in wanted:
        for name, reason in candidates.match(selector):
            chosen.setdefault(name, reason)
    left_out = {name for selector in excluded for name, _ in candidates.match(selector)}
    if not wanted:
        if not excluded:
            return None
        chosen = dict.fromkeys(candidates.names, f"all of {source_name} but {', '.join(excluded)}")
    if left_out and not chosen.keys() - left_out and not any(_MODIFIED in selector for selector in wanted):
        raise UsageError("nothing-selected", "--exclude leaves no pipeline", fix="exclude less")
    return {name: reason for name, reason in chosen.items() if name not in left_out}


class _Candidates:
    """The pipelines of both sides, and which pipelines each of them needs."""

    def __init__(self, source: Project, target: Project, source_name: str) -> None:
        self._source, self._target, self._source_name = source, target, source_name
        self._owner = {name: side for side in (target, source) for name in side.pipelines}
        self.names = sorted(self._owner)

    def match(self, selector: str) -> Iterator[tuple[str, str]]:
        """Yield the pipelines that `selector` selects, each with the reason; those that it names come first."""
        inner = selector.removeprefix("+").removesuffix("+")
        seeds = dict(self._seeds(inner))
        yield from seeds.items()
        if selector.startswith("+"):
            yield from self._reached(seeds, self._upstream, "upstream")
        if selector.endswith("+"):
            yield from self._reached(seeds, self._downstream, "downstream")

    def _seeds(self, inner: str) -> Iterator[tuple[str, str]]:
        method, colon, value = inner.partition(":")
        if not colon:
            if inner not in self._owner:
                raise unknown_pipeline(self._source_name, inner, self.names)
            yield inner, "selected"
        elif inner == _MODIFIED:
            yield from ((name, inner) for name in self.names if self._differs(name))
        elif method == "tag":
            yield from ((name, inner) for name in self._tagged(value))
        elif method == "path":
            yield from ((name, inner) for name in self._users(value))
        else:
            fix = f"NAME, +NAME, NAME+, tag:TAG, path:FILE or {_MODIFIED}"
            raise UsageError("unknown-selector", f"{inner!r} is not a selector", fix=fix)

    @cached_property
    def _upstream(self) -> Mapping[str, set[str]]:
        return {name: side.recall("upstream", name, needed_pipelines) for name, side in self._owner.items()}

    @cached_property
    def _downstream(self) -> Mapping[str, list[str]]:
        users: dict[str, list[str]] = {name: [] for name in self.names}
        for user, needed in self._upstream.items():
            for name in needed & users.keys():
                users[name].append(user)
        return users

    def _differs(self, name: str) -> bool:
        sides = [side.digest(name) for side in (self._source, self._target) if name in side.pipelines]
        return len(sides) < 2 or sides[0] != sides[1]

    def _tagged(self, tag: str) -> list[str]:
        tags = {name: self._tags(name) for name in self.names}
        if not any(tag in tagged for tagged in tags.values()):
            known = {other for tagged in tags.values() for other in tagged}
            message = f"no pipeline of {self._source_name} has the tag {tag!r}"
            raise UsageError("unknown-tag", message, fix=near(tag, known))
        return [name for name in self.names if tag in tags[name]]

    def _tags(self, name: str) -> tuple[str, ...]:
        return self._owner[name].recall("tags", name, _tags_of)

    def _users(self, path: str) -> list[str]:
        users = {side: side.users([path])[path] for side in (self._source, self._target)}
        found = sorted(name for side, names in users.items() for name in names if self._owner[name] is side)
        if not found:
            message = f"no pipeline of {self._source_name} needs the file {path!r}"
            raise UsageError("unknown-path", message, fix=near(path, self._source.claimed | self._target.claimed))
        return found

    def _reached(
        self, seeds: Iterable[str], edges: Mapping[str, Iterable[str]], direction: str
    ) -> Iterator[tuple[str, str]]:
        seen = set(seeds)
        for seed in seeds:
            waiting = [seed]
            while waiting:
                for name in sorted(edges[waiting.pop()]):
                    if name in self._owner and name not in seen:
                        seen.add(name)
                        waiting.append(name)
                        yield name, f"{direction} of {seed}"


def _tags_of(project: Project, name: str) -> tuple[str, ...]:
    pipeline = project.closure(name).pipeline
    return pipeline.tags if pipeline else ()


def unknown_pipeline(side: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the refusal of a name that no pipeline has; `side` is where it was looked for."""
    return UsageError("unknown-pipeline", f"{side} has no pipeline {name!r}", fix=near(name, known))


def needed_pipelines(project: Project, name: str) -> set[str]:
    """Return the pipelines that `name` needs: it reads their tables, starts them or waits for them."""
    closure = project.closure(name)
    called = {other for _, source in python_sources(project.tree, closure.files) for other, _ in source.calls}
    return called.union(closure.pipeline.needs if closure.pipeline else ()) - {name}
