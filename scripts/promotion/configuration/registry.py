"""`environments/registry.yaml` on `main`: where the images of all releases go, and how they are built."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from basics.wording import near
from basics.yaml_file import load_mapping, malformed
from promotion.layout import REGISTRY
from promotion.repository.tree import Tree

_KEYS = ("repository", "base_image", "with_r")
# A host or an account of Docker Hub, then at least one name. The tag comes with each release.
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+")


@dataclass(frozen=True)
class Registry:
    """The repository that gets the image of each release, and what its builds differ in from the Dockerfile."""

    repository: str
    base_image: str | None = None
    with_r: bool = True


def read_registry(tree: Tree) -> Registry | None:
    """Return the registry that `tree` states, or None if it states none; raise `Malformed` for an error."""
    if REGISTRY not in tree:
        return None
    content = load_mapping(REGISTRY, tree.text(REGISTRY))
    for key in content:
        if key not in _KEYS:
            raise malformed(REGISTRY, key, "is unknown", near(key, _KEYS))
    repository = content.get("repository")
    if repository in (None, ""):
        return None
    if not _REPOSITORY.fullmatch(str(repository)):
        fix = "write e.g. `repository: registry.example.com/team/mage`, without a tag"
        raise malformed(REGISTRY, "repository", f"{repository!r} is not a repository of a registry", fix)
    return Registry(str(repository), _base_image(content), _with_r(content))


def _base_image(content: dict[str, Any]) -> str | None:
    name = content.get("base_image") or None
    if name is not None and not isinstance(name, str):
        fix = 'write e.g. `base_image: "registry.example.com/python:3.11-slim-bookworm"`'
        raise malformed(REGISTRY, "base_image", f"{name!r} is not the name of an image", fix)
    return name


def _with_r(content: dict[str, Any]) -> bool:
    value = content.get("with_r", True)
    if not isinstance(value, bool):
        fix = "write `with_r: false` or leave it out"
        raise malformed(REGISTRY, "with_r", f"{value!r} is neither true nor false", fix)
    return value
