"""The image that is wanted: its name, its arguments, and the labels that tell it from every other."""

from __future__ import annotations

import re
from dataclasses import dataclass

from promotion.configuration.registry import Registry
from promotion.image.build import Recipe
from promotion.record.release import IMAGE_SOURCE, image_tag
from promotion.repository.tree import Tree

_OCI = "org.opencontainers.image"
_MAGE = re.compile(r"^mage-ai(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Wanted:
    """The name of the wanted image, and its build arguments that differ from the Dockerfile's defaults."""

    repository: str = "mage"
    base: str | None = None
    with_r: bool = True
    pushed: bool = False  # whether releases have it in a registry

    @classmethod
    def of(cls, registry: Registry | None) -> Wanted:
        """Return what `registry` states; None states nothing."""
        if registry is None:
            return cls()
        return cls(registry.repository, registry.base_image, registry.with_r, pushed=True)

    def reference(self, tree: Tree) -> str:
        """Return the name and the tag of the image of `tree`."""
        return f"{self.repository}:{image_tag(tree)}"

    @property
    def arguments(self) -> dict[str, str]:
        """The build arguments."""
        base = {"BASE_IMAGE": self.base} if self.base else {}
        return base if self.with_r else base | {"WITH_R": "false"}

    def recipe(self, tree: Tree) -> Recipe:
        """Return how to build the image of `tree`."""
        return Recipe(self.reference(tree), tree.under(*IMAGE_SOURCE), self.arguments, self._labels(tree))

    def _labels(self, tree: Tree) -> dict[str, str]:
        """Return labels that tell the image of `tree` also from one with the same tag and other arguments."""
        version = _MAGE.search(tree.text("requirements.txt")) if "requirements.txt" in tree else None
        return {
            f"{_OCI}.title": "Mage",
            f"{_OCI}.version": version[1] if version else "",
            f"{_OCI}.revision": tree.under(*IMAGE_SOURCE).digest(),
            "mage-environments.build-arguments": " ".join(f"{k}={v}" for k, v in self.arguments.items()),
        }
