"""Make sure that the image of a tree exists: build it only where it is missing."""

from __future__ import annotations

from basics import progress
from promotion.image import docker
from promotion.image.wanted import Wanted
from promotion.record.release import IMAGE_SOURCE
from promotion.repository.tree import Tree


def ensure_image(tree: Tree, wanted: Wanted, *, from_registry: bool = False) -> bool:
    """Make sure that the image of `tree` is on this machine or in its registry; return whether it had to be built.

    An image in the registry is never replaced: an environment runs exactly the bytes that its source proved.
    """
    reference = wanted.reference(tree)
    if from_registry and docker.is_in_registry(reference):
        progress.say(f"{reference} is in the registry: nothing to build")
        return False
    labels = wanted.labels(tree)
    there = docker.labels_of(reference) or {}
    built = not labels.items() <= there.items()
    if built:
        with progress.step(f"build {reference}"):
            docker.build(reference, tree.under(*IMAGE_SOURCE), arguments=wanted.arguments, labels=labels)
    else:
        progress.say(f"{reference} exists already: nothing to build")
    if from_registry:
        with progress.step(f"push {reference}"):
            docker.push(reference)
    return built
