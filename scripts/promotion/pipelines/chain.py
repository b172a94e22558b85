"""The chain of references that leads from a pipeline to a file of its closure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from basics.yaml_file import line_of
from promotion.pipelines.closure import Closure
from promotion.repository.tree import Tree


@dataclass(frozen=True)
class Link:
    """One file of a chain: why it is needed, and which line says so (none for the pipeline's own folder)."""

    file: str
    reason: str
    referrer: str | None
    line: int | None

    @property
    def where(self) -> str | None:
        """Where the file is referred to, in the form that editors open."""
        return f"{self.referrer}:{self.line}" if self.line else self.referrer


def chain_to(tree: Tree, closure: Closure, path: str) -> list[Link]:
    """Return the links from the pipeline of `closure` to its file `path`."""
    return list(_links(tree, closure, path))[::-1]


def _links(tree: Tree, closure: Closure, path: str) -> Iterator[Link]:
    referrer: str | None = path
    while referrer is not None:
        file, reason = referrer, closure.files[referrer]
        referrer = reason.referrer
        line = line_of(tree.text(referrer), reason.name) if referrer and reason.name else reason.line
        yield Link(file, reason.text, referrer, line)
