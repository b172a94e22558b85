"""The command line of `image.py`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from promotion.cli.boundary import run
from promotion.cli.parser import Parser, make_parser
from promotion.showing.report import Report


def main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `image.py`."""
    parser = make_parser(description)
    verbs = parser.add_subparsers(metavar="build", required=True, parser_class=Parser)
    build = verbs.add_parser("build", help="build the image of a tree, unless it is there", allow_abbrev=False)
    build.add_argument("what", metavar="TREE", nargs="?", default=".", help="an environment, or a folder (.)")
    build.add_argument("--repository", metavar="NAME", default="mage", help="the image's name (mage)")
    build.add_argument(
        "--base-image", metavar="IMAGE", help="instead of the Dockerfile's, for example of a mirror"
    )
    build.add_argument("--without-r", dest="with_r", action="store_false", help="leave R out: blocks in R fail")
    target = build.add_mutually_exclusive_group()
    target.add_argument("--load", metavar="CLUSTER", help="load it into this kind cluster as well")
    target.add_argument("--push", action="store_true", help="push it; what the registry has is never built again")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.cli.place import place
        from promotion.commands.image import build_image
        from promotion.image.wanted import Wanted

        wanted = Wanted(options.repository, options.base_image, with_r=options.with_r)
        return build_image(place(options.what), wanted, load=options.load, push=options.push, report=report)

    return run(parser, arguments, command)
