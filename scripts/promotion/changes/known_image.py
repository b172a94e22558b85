"""The image that is known for a release: an environment runs exactly the bytes that its source has proven."""

from __future__ import annotations

from promotion.changes.request import Request
from promotion.record.release import Image, image_tag
from promotion.repository.tree import Tree


def known_image(request: Request, tree: Tree) -> Image:
    """Return the image of `tree` as the source or the target has recorded it; otherwise its tag alone.

    With the option `new_image`, no record counts.
    """
    tag = image_tag(tree)
    for release in (request.source.current, request.target.current):
        if release and release.image.tag == tag and release.image.digest and not request.options.new_image:
            return release.image
    return Image(tag)
