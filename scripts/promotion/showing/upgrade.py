"""The plan of an upgrade, and what to do with the branch that it makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from basics.wording import counted, few
from promotion.showing.result import Lines
from promotion.showing.steps import steps_after
from promotion.upgrading.apply import branch_of
from promotion.upgrading.plan import Upgrade

_COLOURS = {"conflict": "red", "merged": "yellow", "replaced": "yellow"}
_OUTCOMES = {
    "kept": "kept: the template did not change it",
    "merged": "merged with what the template changed",
    "replaced": "taken from the template: make lock adds your packages again",
}


@dataclass(frozen=True)
class ShownUpgrade:
    """What an upgrade would do."""

    upgrade: Upgrade
    exit_code: int = 0
    key: ClassVar[str] = "upgrade"
    markdown: ClassVar[str | None] = None

    @property
    def document(self) -> dict[str, Any]:
        """The plan for programs."""
        upgrade = self.upgrade
        sides = (("from", upgrade.base), ("to", upgrade.new))
        return {
            **{name: {"version": side.number, "commit": side.commit} for name, side in sides},
            "branch": branch_of(upgrade),
            "changed": upgrade.changed,
            "own": [asdict(own) for own in upgrade.own],
            "renamed": [asdict(renamed) for renamed in upgrade.renamed],
            "to_do": {number: list(notes) for number, notes in upgrade.notes.items()},
            "conflicts": dict(upgrade.merged.conflicts),
        }

    @property
    def lines(self) -> Lines:
        """The plan for people."""
        upgrade = self.upgrade
        if upgrade.is_empty:
            return [(f"Nothing to do: this is {_told(upgrade.new)} of the template, or newer.", "green")]
        return list(_lines(upgrade))


def _told(version: Any) -> str:
    return f"{version.number} ({version.commit[:8]})"


def _lines(upgrade: Upgrade) -> Iterator[tuple[str, str]]:
    yield f"Upgrade from {_told(upgrade.base)} to {_told(upgrade.new)} of the template", "bold"
    yield f"  {counted(len(upgrade.changed), 'file')} would change, come or go; your project stays as it is", ""
    added = [own for own in upgrade.own if (own.change, own.outcome) == ("added", "kept")]
    if upgrade.own:
        yield "Changed by you:", "bold"
    if added:
        yield f"  {counted(len(added), 'file')} added, and kept: {few([own.path for own in added])}", ""
    for own in (own for own in upgrade.own if own not in added):
        outcome = _OUTCOMES.get(own.outcome) or f"conflict ({upgrade.merged.conflicts[own.path]})"
        yield f"  {own.path}  {own.change}; {outcome}", _COLOURS.get(own.outcome, "")
    if upgrade.renamed:
        yield "Keys of your environments:", "bold"
    for key in upgrade.renamed:
        becomes = f" becomes {key.to}" if key.to else ""
        yield (
            f"  {key.path}:{key.line}: {key.key}{becomes}{': ' if key.hint else ''}{key.hint}",
            ("" if key.to else "yellow"),
        )
    if upgrade.notes:
        yield "To do, from CHANGELOG.md:", "bold"
    for number, notes in upgrade.notes.items():
        for note in notes:
            yield f"  {number}: {note}", ""


def next_steps(upgrade: Upgrade) -> Lines:
    """Return what a person does with the branch."""
    branch = branch_of(upgrade)
    lock = ["make lock, and commit it: your packages join the new versions"] if upgrade.has_own_packages else []
    steps = [f"git switch {branch}", *lock, "make .venv/installed", "scripts/verify.py", "make test"]
    steps += ["what is to do, as told above"] if upgrade.notes else []
    steps.append("bring the branch to main, by a pull request or git merge")
    steps.append("promote all pipelines to each environment in turn: only this brings the new chart")
    return steps_after(f"The branch {branch} has the upgrade. What is checked out has not changed.", steps)
