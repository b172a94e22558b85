"""The image of a release, pinned by the digest that its registry gives: pods never find that it is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from basics.errors import GateCouldNotRun, PromotionError
from promotion.image.ensure import ensure_pushed
from promotion.image.recorded import refuse_lost_image
from promotion.image.registry import digest_of
from promotion.image.wanted import Wanted
from promotion.planning.plan import Plan
from promotion.record.release import Image

PULL_LOGIN = "IMAGE_PULL_CONFIG"  # a file with the login that clusters pull with


def check_image(plan: Plan) -> None:
    """Ask the registry for the image of `plan`, before tests that take minutes; raise what `pin` raises."""
    registry, known = plan.request.environment.registry, plan.draft.image
    if registry is None:
        return
    with _no_verdict():
        if known.digest:
            refuse_lost_image(known, registry.repository, _otherwise(plan))
        else:
            digest_of(f"{registry.repository}:{known.tag}")


def pin(plan: Plan) -> Image:
    """Return the image of what `plan` releases: the recorded one, or one that is built and pushed.

    Where no registry is stated, return what is known of it. Raises `GateCouldNotRun` where the registry does not
    have what was recorded, or clusters may not pull it; nothing is released then.
    """
    registry, known = plan.request.environment.registry, plan.draft.image
    if registry is None:
        return known
    check_image(plan)
    with _no_verdict():
        digest = known.digest or ensure_pushed(plan.draft.tree, Wanted.of(registry)).digest
        _refuse_what_clusters_cannot_pull(f"{registry.repository}@{digest}")
    repository = "" if plan.request.environment.mirrored else registry.repository
    return Image(known.tag, digest, repository)


def _otherwise(plan: Plan) -> str:
    """Return the command that goes on without the recorded image."""
    command = plan.request.command(replace(plan.request.options, new_image=True))
    return f"take what the registry has under the tag, or a new build: {command}"


def _refuse_what_clusters_cannot_pull(reference: str) -> None:
    login = os.environ.get(PULL_LOGIN)
    if login and (why := _why_not(reference, Path(login))):
        raise GateCouldNotRun(
            "image-not-pullable",
            f"the login in {login}, which {PULL_LOGIN} names, cannot pull {reference}: {why}",
            fix="give that login the right to pull, then change the Secret in image.pullSecrets to match",
        )


def _why_not(reference: str, login: Path) -> str | None:
    """Return why `login` cannot pull; Docker would use the user's own login where the file is missing."""
    if not login.is_file():
        return "there is no such file"
    try:
        return None if digest_of(reference, login) else "the registry does not show it the image"
    except PromotionError as error:
        return error.message


@contextmanager
def _no_verdict() -> Iterator[None]:
    """Raise what goes wrong with the image as `GateCouldNotRun`: it says nothing against the pipelines."""
    try:
        yield
    except GateCouldNotRun:
        raise
    except PromotionError as error:
        raise GateCouldNotRun(error.code, error.message, fix=error.fix or "try again") from error
