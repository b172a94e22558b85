"""The command line of `promote.py`: a promotion, or the verb that stands first."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from promotion.cli.apply import main as apply_main
from promotion.cli.approve import main as approve_main
from promotion.cli.backfill import main as backfill_main
from promotion.cli.boundary import run
from promotion.cli.finalize import main as finalize_main
from promotion.cli.observe import main as observe_main
from promotion.cli.parser import add_modes, add_selectors, make_parser, options_of
from promotion.cli.ratify import main as ratify_main
from promotion.cli.rehearse import main as rehearse_main
from promotion.cli.why import main as why_main
from promotion.showing.report import Report

# What `promote.py` does when its first word is no environment.
_VERBS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "apply": apply_main,
    "approve": approve_main,
    "backfill": backfill_main,
    "finalize": finalize_main,
    "observe": observe_main,
    "ratify": ratify_main,
    "rehearse": rehearse_main,
    "why": why_main,
}


def main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `promote.py`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in _VERBS:
        return _VERBS[arguments[0]](arguments[1:])
    parser = make_parser(description)
    parser.add_argument("source", metavar="SRC", help="main or an environment")
    parser.add_argument("target", metavar="DST", help="an environment")
    add_modes(parser)
    add_selectors(parser)
    parser.add_argument(
        "--release-hold", action="store_true", help="promote what was rolled back (needs --reason)"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="with --plan: keep it, for `promote.py apply FILE`"
    )

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.promote import promote
        from promotion.repository.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return promote(
                repository,
                options.source,
                options.target,
                options_of(options),
                mode=options.mode,
                report=report,
                plan_file=options.output,
                pr=options.pr,
            )

    return run(parser, arguments, command)
