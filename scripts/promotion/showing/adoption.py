"""The plan of an adoption, and what is left to a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from basics.wording import counted, few
from promotion.adopting.plan import Adoption
from promotion.layout import EXAMPLE, PACKAGES, PROJECT
from promotion.showing.result import Lines


@dataclass(frozen=True)
class ShownAdoption:
    """What an adoption would do."""

    adoption: Adoption
    exit_code: int = 0
    key: ClassVar[str] = "adoption"
    markdown: ClassVar[str | None] = None

    @property
    def document(self) -> dict[str, Any]:
        """The plan for programs."""
        adoption = self.adoption
        return {
            "name": adoption.source.name,
            "branch": adoption.branch,
            "files": len(adoption.source.files),
            "own_name": adoption.own_name,
            "packages": [package.name for package in adoption.packages],
            "changes": [asdict(change) for change in adoption.changes],
            "left": [asdict(left) for left in adoption.left],
            "changed": adoption.before.differences(adoption.tree),
        }

    @property
    def lines(self) -> Lines:
        """The plan for people."""
        if self.adoption.is_empty:
            return [(f"Nothing to do: {PROJECT}/ is {self.adoption.source.name} already.", "green")]
        return list(_lines(self.adoption))


def _lines(adoption: Adoption) -> Iterator[tuple[str, str]]:
    source = adoption.source
    yield f"Adopt the Mage project {source.name}", "bold"
    yield "Comes", "bold"
    yield f"  + {PROJECT}/  {counted(len(source.files), 'file')}", "green"
    if adoption.own_name:
        yield f"  + {PACKAGES}/{source.name}  a link to {PROJECT}/: files of the project name it so", "green"
    for package in adoption.packages:
        told = f"{counted(len(package.files), 'file')}; {package.imported_by} imports it"
        yield f"  + {PACKAGES}/{package.name}  {told}", "green"
    if adoption.changes:
        yield "Changes", "bold"
    for change in adoption.changes:
        yield f"  ~ {change.path}  {change.what}", "yellow"
    yield "Makes room", "bold"
    yield f"  the example goes to {EXAMPLE}/: make demo and the tests of the tool run on it there", ""
    if adoption.left:
        yield "Stays behind", "bold"
    for why in dict.fromkeys(left.why for left in adoption.left):
        yield f"  - {few([left.path for left in adoption.left if left.why == why])}  {why}", ""


def next_steps(adoption: Adoption, mends: Sequence[str]) -> Lines:
    """Return what a person does with the branch, in order; `mends` are commands that make the gate pass."""
    steps = [
        f"git merge --ff-only {adoption.branch}",
        *mends,
        "scripts/verify.py",
        "git commit --all, if you changed something; git push",
        "scripts/promote.py main dev",
    ]
    return [
        (f"The branch {adoption.branch} has the project. What is checked out has not changed.", "bold green")
    ] + [(f"  {number}. {step}", "") for number, step in enumerate(steps, 1)]
