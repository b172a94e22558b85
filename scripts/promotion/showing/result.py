"""What a command has to show, in each form that somebody may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

Lines = Sequence[tuple[str, str]]  # each with its style


class Result(Protocol):
    """One result of a command. The report asks for one form, and the others are not made."""

    @property
    def key(self) -> str:
        """The name of the result in the JSON document: a later result of this name takes its place."""

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
        """How the command ends if this is its last result."""


@dataclass(frozen=True)
class Shown:
    """A result that is there in every form, because none of them takes time."""

    key: str
    document: Any
    lines: Lines = ()
    markdown: ClassVar[str | None] = None
    exit_code: ClassVar[int] = 0
