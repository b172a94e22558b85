"""Whether a registry still has the image that a release records."""

from __future__ import annotations

from basics.errors import GateCouldNotRun
from promotion.image.build import can_attest
from promotion.image.registry import digest_of
from promotion.record.release import Image


def refuse_lost_image(image: Image, repository: str, otherwise: str) -> None:
    """Raise `GateCouldNotRun` unless `repository` has the recorded `image`, and no other under its tag.

    `otherwise` is what to do if nobody has the recorded bytes any more.
    """
    tagged, pinned = f"{repository}:{image.tag}", f"{repository}@{image.digest}"
    now = digest_of(tagged)
    if now == image.digest:
        return
    there = digest_of(pinned) is not None
    if now is not None:
        again = f"docker pull {pinned} && docker tag {pinned} {tagged} && docker push {tagged}"
        if can_attest():  # then it may be more than one image, and Docker would push one of them
            again = f"docker buildx imagetools create --tag {tagged} {pinned}"
        raise GateCouldNotRun(
            "image-overwritten",
            f"the registry has another image under {tagged}: {now}, but the release was made with {image.digest}",
            fix=f"put it back: {again}; or {otherwise}" if there else otherwise,
        )
    if not there:
        moved = image.repository not in ("", repository)
        where = (
            f"copy it from {image.repository}"
            if moved
            else f"push it from where it still is: docker push {tagged}"
        )
        raise GateCouldNotRun(
            "image-missing",
            f"the registry has no image {pinned}, which a release records",
            fix=f"{where}; or {otherwise}",
        )
