"""The connection of a dbt block: one target of one profile in the `profiles.yml` of its dbt project."""

from __future__ import annotations

from collections.abc import Iterator

from promotion.pipelines.block_files import dbt_folders
from promotion.pipelines.jinja import Leaf, is_expression, leaves
from promotion.pipelines.pipeline import Block
from promotion.repository.tree import Tree


def used_settings(tree: Tree, block: Block) -> Iterator[tuple[str, Leaf]]:
    """Yield the values of profiles.yml that dbt reads for `block`, each with the file's path.

    Where the target is computed, those of no target are yielded.
    """
    for folder in dbt_folders(tree, block)[:1]:
        path = f"{folder}/profiles.yml"
        values = _values(tree, path)
        named = {leaf.keys: leaf.text for leaf in _values(tree, f"{folder}/dbt_project.yml")}
        profile = named.get(("profile",))
        of_profile = [leaf for leaf in values if leaf.keys[0] == profile]
        default = next((leaf.text for leaf in of_profile if leaf.keys[1:] == ("target",)), "default")
        target = str(block.configuration.get("dbt_profile_target") or default)
        for leaf in of_profile:
            if leaf.keys[1] != "outputs" or (leaf.keys[2:3] == (target,) and not is_expression(target)):
                yield path, leaf


def _values(tree: Tree, path: str) -> list[Leaf]:
    if path not in tree or not tree.is_text(path):
        return []
    return tree.recall("dbt", path, lambda content: [leaf for leaf in leaves(content.decode()) if len(leaf.keys)])
