"""Keys of an environment's files that a version renamed: the text is edited, so comments and order stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import yaml

from basics.yaml_file import LOADER, load_mapping
from promotion.layout import ENVIRONMENTS
from promotion.repository.tree import Tree

REGISTER = "scripts/promotion/upgrading/renames.yaml"


@dataclass(frozen=True)
class Rename:
    """A key, as `a.b` with `*` for any key, of every environment's `file`: its new name, or None if it is gone."""

    version: str
    file: str
    key: str
    to: str | None
    hint: str = ""  # what a person does


@dataclass(frozen=True)
class Renamed:
    """A key where it is; `to` is None if a person has to change it, as `hint` says."""

    path: str
    line: int
    key: str
    to: str | None
    hint: str


def new_renames(base: Tree, newer: Tree) -> list[Rename]:
    """Return what the register of `newer` has and that of `base` has not."""
    known = _register(base)
    return [rename for rename in _register(newer) if rename not in known]


def rename_keys(ours: Tree, renames: Sequence[Rename]) -> tuple[dict[str, str], list[Renamed]]:
    """Return the new text of every environment's file that changes, and all that was found."""
    texts, found = {}, []
    for path in ours.under(ENVIRONMENTS):
        due = [rename for rename in renames if fnmatchcase(path, f"{ENVIRONMENTS}/*/{rename.file}")]
        if due:
            before = ours.text(path)
            load_mapping(path, before)  # refuses what is not YAML, or has a key twice
            text, there = _edited(path, before, due)
            found += there
            if text != before:
                texts[path] = text
    return texts, found


def _register(version: Tree) -> list[Rename]:
    if REGISTER not in version:
        return []
    content = load_mapping(REGISTER, version.text(REGISTER))
    return [Rename(number, **entry) for number, entries in content.items() for entry in entries or ()]


def _edited(path: str, text: str, renames: Sequence[Rename]) -> tuple[str, list[Renamed]]:
    """Return `text` with the new names, from its end to its begin: what comes before an edit does not move."""
    found = []
    edits: list[tuple[int, int, str]] = []
    root = yaml.compose(text, Loader=LOADER)
    for rename in renames:
        *_, to = rename.to.split(".") if rename.to else (None,)
        for key, name, siblings in _keys(root, rename.key.split(".")):
            both = to in siblings
            hint = f"{to} is there, too: keep one of them" if both else rename.hint
            found.append(Renamed(path, name.start_mark.line + 1, key, None if both else to, hint))
            if to and not both:
                edits.append((name.start_mark.index, name.end_mark.index, to))
    for begin, end, to in sorted(edits, reverse=True):
        text = text[:begin] + to + text[end:]
    return text, found


def _keys(node: Any, words: Sequence[str], above: str = "") -> Iterator[tuple[str, yaml.Node, list[str]]]:
    """Yield every key that `words` mean, with its node and its siblings' names."""
    if not isinstance(node, yaml.MappingNode):
        return
    for name, value in node.value:
        if words[0] in ("*", str(name.value)):
            key = f"{above}{name.value}"
            if words[1:]:
                yield from _keys(value, words[1:], f"{key}.")
            else:
                yield key, name, [str(other.value) for other, _ in node.value]
