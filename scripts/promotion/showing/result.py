"""What a command shows, in each form that the person may choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

Lines = Sequence[tuple[str, str]]  # each with its style


class Result(Protocol):
    """One result of a command. The report uses one form, and the others are not made."""

    @property
    def key(self) -> str:
        """The name of the result in the JSON document: a later result with this name replaces it."""

    @property
    def document(self) -> Any:
        """The result for programs."""

    @property
    def lines(self) -> Lines:
        """The result for people."""

    @property
    def markdown(self) -> str | None:
        """The result as Markdown, None where it has no such form."""

    @property
    def exit_code(self) -> int:
        """The exit code of the command if this is its last result."""


@dataclass(frozen=True)
class Shown:
    """A result with every form made at once, because none takes time."""

    key: str
    document: Any
    lines: Lines = ()
    markdown: ClassVar[str | None] = None
    exit_code: ClassVar[int] = 0
