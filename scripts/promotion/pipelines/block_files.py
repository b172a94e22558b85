"""Where in a tree Mage looks for the files of a block."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from contextlib import suppress

from basics.errors import Malformed
from basics.yaml_file import load_mapping
from promotion.layout import PROJECT
from promotion.pipelines.own_name import project_folder
from promotion.pipelines.pipeline import Block
from promotion.repository.tree import Tree

_DBT_PROJECT = ("dbt_project.yml", "dbt_project.yaml")
_DBT_PACKAGES = ("packages.yml", "dependencies.yml")


def declared_paths(block: Block) -> Iterator[str]:
    """Yield the paths that the block's configuration names."""
    source = block.configuration.get("file_source")
    for path in (block.configuration.get("file_path"), source.get("path") if isinstance(source, dict) else None):
        if isinstance(path, str) and path:
            yield path


# MAGE.md: block-files
def block_path(tree: Tree, block: Block) -> str:
    """Return the path of the block's own file, which may be missing.

    `file_source` counts only for dbt models: for other blocks, Mage reads it only where it has several projects.
    """
    is_model = block.type == "dbt" and block.language != "yaml"
    declared = next(declared_paths(block), "") if is_model else block.configuration.get("file_path")
    if isinstance(declared, str) and declared:
        return below_project(tree, declared) or declared
    return f"{PROJECT}/{block.default_path}"


def callback_path(block: Block) -> str:
    """Return the path of the callback of a block that `has_callback`: Mage derives its name from the block's."""
    name = re.sub(r"\W", "_", block.uuid).lower()
    return f"{PROJECT}/callbacks/{'letter_' if name[0].isdigit() else ''}{name}_callback.py"


def dbt_folders(tree: Tree, block: Block) -> list[str]:
    """Return the folder of a dbt block's project and those of its local packages; empty if there is no project."""
    named = [block_path(tree, block)]
    if block.language == "yaml":
        keys = (block.configuration.get(key) for key in ("dbt_profiles_file_path", "dbt_project_name"))
        named = [below_project(tree, key) or key for key in keys if isinstance(key, str) and key]
    folders = [folder for path in named for folder in _around(tree, path)][:1]
    for folder in folders:  # the list grows in the loop
        folders += [package for package in _local_packages(tree, folder) if package not in folders]
    return folders


def below_project(tree: Tree, declared: str) -> str | None:
    """Return where Mage finds `declared`: in the project, in its folder `dbt`, or at a path that ends with it.

    None if that is outside the project. Mage refuses an absolute path that its own path of the project does not
    begin, and that differs between a pod and this machine.
    """
    inside = declared.removeprefix(f"{posixpath.basename(project_folder(tree))}/")
    if inside.startswith("/") or posixpath.normpath(inside).startswith(".."):
        return None
    for folder in (PROJECT, f"{PROJECT}/dbt"):
        first = f"{folder}/{inside.split('/')[0]}"
        if inside != declared or first in tree or tree.has_folder(first):
            return posixpath.normpath(f"{folder}/{inside}")
    ends = [path for path in tree.paths_at(PROJECT) if path.endswith(declared)]
    return ends[0] if len(ends) == 1 else f"{PROJECT}/{inside}"  # of several, Mage takes the first that it finds


def _around(tree: Tree, path: str) -> Iterator[str]:
    """Yield the folders from `path` upwards that hold a dbt project."""
    while path.startswith(PROJECT):
        if any(f"{path}/{name}" in tree for name in _DBT_PROJECT):
            yield path
        path = posixpath.dirname(path)


def _local_packages(tree: Tree, folder: str) -> Iterator[str]:
    for file in (f"{folder}/{name}" for name in _DBT_PACKAGES):
        packages: object = []
        if file in tree:
            with suppress(Malformed):  # for example if it holds Jinja
                packages = load_mapping(file, tree.text(file)).get("packages")
        for package in packages if isinstance(packages, list) else ():
            if isinstance(package, dict) and isinstance(package.get("local"), str):
                yield posixpath.normpath(posixpath.join(folder, package["local"]))
