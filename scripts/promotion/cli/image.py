"""Build the image of a tree, with the tag that its release says.

An image that exists already is not built again.

examples:
  scripts/image.py build
      the clone that you are in
  scripts/image.py build staging --repository registry.example.com/mage --push
      what staging runs, and push it
  scripts/image.py build --load mage
      and load it into the kind cluster `mage`
  DOCKER_BUILD_OPTIONS='--platform linux/amd64' scripts/image.py build
      with more options of `docker build`
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from promotion.cli.arguments import OUTPUT, PLACE, argument, one_of
from promotion.cli.place import place
from promotion.showing.result import Result

TAKES = (
    argument("verb", choices=["build"], help="build the image of a tree, unless it exists"),
    PLACE,
    argument("--repository", metavar="NAME", default="mage", help="the image's name (mage)"),
    argument("--base-image", metavar="IMAGE", help="instead of the Dockerfile's, for example from a mirror"),
    argument("--without-r", dest="with_r", action="store_false", help="leave R out: blocks in R fail"),
    one_of(
        argument("--load", metavar="CLUSTER", help="load it into this kind cluster as well"),
        argument("--push", action="store_true", help="push it; an image in the registry is never built again"),
    ),
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Build the image."""
    from promotion.commands.image import build_image
    from promotion.image.wanted import Wanted

    wanted = Wanted(options.repository, options.base_image, with_r=options.with_r)
    yield from build_image(place(options.place), wanted, load=options.load, push=options.push)
