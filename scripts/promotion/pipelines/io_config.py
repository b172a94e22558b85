"""The io profiles: `mage_project/io_config.yaml` as git has it, before Mage renders its Jinja."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from promotion.layout import PROJECT
from promotion.pipelines.jinja import Leaf, leaves, load_template
from promotion.repository.tree import Tree

PATH = f"{PROJECT}/io_config.yaml"


def text_of(tree: Tree) -> str:
    """Return the whole file; a project may have none."""
    return tree.text(PATH) if PATH in tree else ""


def profiles(tree: Tree) -> dict[str, Any]:
    """Return the profiles by name; raise `Malformed` where Mage could not read the file."""
    content = load_template(PATH, text_of(tree))
    return {name: keys for name, keys in content.items() if isinstance(keys, dict)}  # `version` is no profile


def settings(tree: Tree) -> list[Leaf]:
    """Return every value of every profile: the first of its keys is the profile, the second what clients read."""
    if PATH not in tree or not tree.is_text(PATH):
        return []
    return tree.recall("settings", PATH, _settings)


def keys(tree: Tree) -> dict[str, set[str]]:
    """Return, by profile, the keys that it has."""
    found: dict[str, set[str]] = defaultdict(set)
    for leaf in settings(tree):
        found[leaf.keys[0]].add(leaf.keys[1])
    return dict(found)


def _settings(content: bytes) -> list[Leaf]:
    return [leaf for leaf in leaves(content.decode()) if len(leaf.keys) > 1]
