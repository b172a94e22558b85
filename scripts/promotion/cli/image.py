"""Build the image of a tree, or verify the image that an environment runs.

The image has the tag that its release says. One that exists already is not
built again.

examples:
  scripts/image.py build
      the clone that you are in
  scripts/image.py build staging --repository registry.example.com/mage --push
      what staging runs, and push it
  scripts/image.py build --load mage
      and load it into the kind cluster `mage`
  DOCKER_BUILD_OPTIONS='--platform linux/amd64' scripts/image.py build
      with more options of `docker build`
  scripts/image.py verify staging
      whether its pods run the image that its release records
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import CLUSTER, OUTPUT, PLACE, argument, one_of
from promotion.cli.place import clone, place
from promotion.showing.result import Result

TAKES = (
    argument("verb", choices=["build", "verify"], help="build the image, unless it exists; or verify what runs"),
    PLACE,
    argument("--repository", metavar="NAME", help="the image's name (what registry.yaml states, or mage)"),
    argument("--base-image", metavar="IMAGE", help="instead of the Dockerfile's, for example from a mirror"),
    argument(
        "--without-r", dest="with_r", action="store_false", default=None, help="leave R out: blocks in R fail"
    ),
    one_of(
        argument("--load", metavar="CLUSTER", help="load it into this kind cluster as well"),
        argument("--push", action="store_true", help="push it; an image in the registry is never built again"),
    ),
    *CLUSTER,
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Build the image, or verify it."""
    from promotion.commands.image import build_image
    from promotion.commands.verify_image import verify_image

    if options.verb == "verify":
        with clone() as repository:
            yield from verify_image(repository, options.place, options.context, options.namespace)
        return
    chosen = {"repository": options.repository, "base": options.base_image, "with_r": options.with_r}
    asked = {name: value for name, value in chosen.items() if value is not None}
    yield from build_image(place(options.place), asked, load=options.load, push=options.push)
