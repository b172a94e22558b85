"""Make sure that the image of a tree exists: it is built only where it is missing."""

from __future__ import annotations

from typing import NamedTuple

from basics import progress
from basics.errors import PromotionError
from promotion.image import docker
from promotion.image.build import ATTESTATIONS, Recipe, build, build_and_push, can_attest
from promotion.image.registry import digest_of
from promotion.image.wanted import Wanted
from promotion.repository.tree import Tree


class Pushed(NamedTuple):
    """The digest that the registry gives for an image, and whether it had to be built."""

    digest: str
    built: bool


def ensure_built(tree: Tree, wanted: Wanted) -> bool:
    """Make sure that the image of `tree` is on this machine; return whether it had to be built."""
    recipe = wanted.recipe(tree)
    if recipe.labels.items() <= (docker.labels_of(recipe.reference) or {}).items():
        progress.say(f"{recipe.reference} exists already: nothing to build")
        return False
    with progress.step(f"build {recipe.reference}"):
        build(recipe)
    return True


def ensure_pushed(tree: Tree, wanted: Wanted) -> Pushed:
    """Make sure that the registry has the image of `tree`. An image that it has is never replaced."""
    reference = wanted.reference(tree)
    if digest := digest_of(reference):
        progress.say(f"{reference} is in the registry: nothing to build")
        return Pushed(digest, built=False)
    built = ensure_built(tree, wanted)
    with progress.step(f"push {reference}"):
        _push(wanted.recipe(tree))
    if digest := digest_of(reference):
        return Pushed(digest, built)
    raise PromotionError("image-missing", f"the registry took {reference} and does not have it", fix="try again")


def _push(recipe: Recipe) -> None:
    """Push the image with as much as the builder can say about it: an SBOM, and where it comes from."""
    for attestations in ATTESTATIONS if can_attest() else ():
        try:
            build_and_push(recipe, attestations)
        except PromotionError as error:
            progress.say(f"not with {' '.join(attestations)}: {error.message.splitlines()[-1]}", "yellow")
        else:
            return
    progress.say("without SBOM and provenance: the builder of Docker here adds none", "yellow")
    docker.push(recipe.reference)


def ensure_same(tree: Tree, wanted: Wanted) -> None:
    """Have on this machine what releases run: the image that the registry has, or else the one to be pushed."""
    reference = wanted.reference(tree)
    if wanted.pushed and (digest := digest_of(reference)):
        with progress.step(f"pull {reference}"):
            docker.pull(reference, digest)
    else:
        ensure_built(tree, wanted)
