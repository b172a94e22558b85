"""Write a pipeline or a block that runs at once, in the style of the project.

A pipeline has a loader, a transformer, its promotion.yaml, a test and the
test's rows. A block is added behind the last block of a pipeline. Nothing that
exists is replaced.

examples:
  scripts/new.py pipeline orders
      then: scripts/run.py . -p orders
  scripts/new.py block score_orders -p orders
      a transformer behind the last block of orders
  scripts/new.py block export_orders -p orders --type data_exporter
      a block of another type
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from promotion.cli import candidates
from promotion.cli.arguments import OUTPUT, argument
from promotion.showing.result import Result

_TYPES = ("data_loader", "transformer", "data_exporter", "custom")

TAKES = (
    argument("kind", choices=["pipeline", "block"], help="what to write"),
    argument("name", metavar="NAME", help="its name: lower-case letters, digits and `_`"),
    argument("-p", "--pipeline", metavar="NAME", help="of a block: its pipeline", completer=candidates.pipelines),
    argument("--type", choices=_TYPES, default="transformer", help="of a block (transformer)"),
    *OUTPUT,
)


def run(options: Namespace) -> Iterator[Result]:
    """Write into the clone that you are in."""
    from promotion.commands.new import new_block, new_pipeline

    if options.kind == "pipeline":
        yield from new_pipeline(Path.cwd(), options.name)
    else:
        yield from new_block(Path.cwd(), options.name, options.pipeline, options.type)
