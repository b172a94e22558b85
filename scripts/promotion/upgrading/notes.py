"""What an operator has to do at an upgrade, from the changelog of the new version."""

from __future__ import annotations

import re
from collections.abc import Mapping

from promotion.repository.tree import Tree

CHANGELOG = "CHANGELOG.md"
_HEADING = "To do at an upgrade"
_PART = re.compile(r"^(##+) (.*)$", re.MULTILINE)
_ENTRY = re.compile(r"^- ", re.MULTILINE)


def new_notes(base: Tree, newer: Tree) -> dict[str, list[str]]:
    """Return what there is to do by the version that asks for it, as far as `base` did not ask for it yet."""
    known = {note for notes in _notes(base).values() for note in notes}
    due = {number: [note for note in notes if note not in known] for number, notes in _notes(newer).items()}
    return {number: notes for number, notes in due.items() if notes}


def _notes(version: Tree) -> Mapping[str, list[str]]:
    """Return the entries below `_HEADING` of each version, each as one line."""
    if CHANGELOG not in version:
        return {}
    notes: dict[str, list[str]] = {}
    _, *parts = _PART.split(version.text(CHANGELOG))
    number = ""
    for level, heading, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        if level == "##":
            number = heading
        elif heading == _HEADING:
            notes[number] = [" ".join(entry.split()) for entry in _ENTRY.split(text)[1:]]
    return notes
