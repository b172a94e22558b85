"""`image.py verify ENV`: whether the pods of an environment run the image that its release records."""

from __future__ import annotations

from collections.abc import Iterator

from basics import progress
from basics.errors import Finding, GateRefused, PromotionError
from basics.wording import short
from promotion.changes.sides import Side, main_side, released_side
from promotion.cluster.images import Running, running_images
from promotion.cluster.scheduler import find_scheduler
from promotion.cluster.target import place_of
from promotion.configuration.environment import load_environment
from promotion.layout import ENVIRONMENTS, REGISTRY
from promotion.repository.git import Repository
from promotion.showing.result import Result, Shown


def verify_image(
    repository: Repository, name: str, context: str | None, namespace: str | None
) -> Iterator[Result]:
    """Compare what runs with the release that is installed; raise `GateRefused` where a pod runs another image.

    A block's pod may run that of an earlier release: the one that its run began with. Without `context` and
    `namespace` it looks where the policy says that the environment is.
    """
    with progress.step(f"read {name}"):
        repository.fetch()
        side = released_side(repository, name)
        environment = load_environment(main_side(repository, ENVIRONMENTS).tree, name)
    cluster = place_of(environment, context, namespace)
    with progress.step(f"ask for the pods in {cluster}"):
        scheduler = find_scheduler(name, cluster)
        digest = _recorded(side, scheduler.release)
        running = running_images(scheduler.pods(), name)
    recorded = {release.image.digest for release in side.releases}
    others = [each for each in running if each.version not in (recorded if each.is_block else {digest})]
    if others:
        raise GateRefused(
            "other-image",
            f"not all pods of {name} run the image of release {scheduler.release}",
            fix="install the release again",
            findings=[_finding(each, digest) for each in others],
        )
    lines = [(f"✓ {each.pod}  {short(each.version)}, as recorded", "green") for each in running]
    document = {"environment": name, "release": scheduler.release, "digest": digest}
    yield Shown("running_image", document | {"pods": [each.pod for each in running]}, lines)


def _recorded(side: Side, number: int) -> str:
    """Return the digest that the release `number` records."""
    for release in side.releases:
        if release.number == number and release.image.digest:
            return release.image.digest
    name = side.endpoint.environment
    raise PromotionError(
        "image-not-pinned",
        f"release {number} of {name} records no digest to compare with",
        fix=f"state a repository in {REGISTRY}, promote to {name}, and install the release",
    )


def _finding(running: Running, digest: str) -> Finding:
    problem = f"its image is {running.digest or running.image}, not {digest}"
    fix = f"see its last events: kubectl describe pod {running.pod}"
    return Finding(f"pod/{running.pod}", None, "other-image", problem, fix)
