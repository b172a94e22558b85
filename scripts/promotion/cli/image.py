"""Build the image of a tree, under the tag that its release says.

An image that is there already is not built again.

examples:
  scripts/image.py build
      the clone that you stand in
  scripts/image.py build staging --repository registry.example.com/mage --push
      what staging runs, and push it
  scripts/image.py build --load mage
      and load it into the kind cluster `mage`
  DOCKER_BUILD_OPTIONS='--platform linux/amd64' scripts/image.py build
      with more options of `docker build`
"""

from __future__ import annotations

import argparse

from promotion.cli.arguments import add_output, add_place
from promotion.cli.parser import Parser
from promotion.showing.report import Report


def add_arguments(parser: Parser) -> None:
    """Add what it takes."""
    parser.add_argument("verb", choices=["build"], help="build the image of a tree, unless it is there")
    add_place(parser)
    parser.add_argument("--repository", metavar="NAME", default="mage", help="the image's name (mage)")
    parser.add_argument(
        "--base-image", metavar="IMAGE", help="instead of the Dockerfile's, for example of a mirror"
    )
    parser.add_argument("--without-r", dest="with_r", action="store_false", help="leave R out: blocks in R fail")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--load", metavar="CLUSTER", help="load it into this kind cluster as well")
    target.add_argument("--push", action="store_true", help="push it; what the registry has is never built again")
    add_output(parser)


def run(options: argparse.Namespace, report: Report) -> int:
    """Build the image."""
    from promotion.cli.place import place
    from promotion.commands.image import Wanted, build_image

    wanted = Wanted(options.repository, options.base_image, with_r=options.with_r)
    return build_image(place(options.place), wanted, load=options.load, push=options.push, report=report)
