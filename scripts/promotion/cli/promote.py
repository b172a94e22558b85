"""The command line of `promote.py` and of its verbs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from promotion.cli.backfill import main as backfill_main
from promotion.cli.boundary import run
from promotion.cli.finalize import main as finalize_main
from promotion.cli.parser import add_modes, add_pr, add_selectors, make_parser, options_of
from promotion.cli.rehearse import main as rehearse_main
from promotion.cli.why import main as why_main
from promotion.report import Report
from promotion.story import Story

_APPLY = """Carry out a kept plan: exactly that, without a question, or nothing.

examples:
  scripts/promote.py staging prod --plan -o plan.json     look, and keep what you saw
  scripts/promote.py apply plan.json                      do it; exit code 5 when something changed since"""


def _apply_main(arguments: Sequence[str]) -> int:
    parser = make_parser(_APPLY, "promote.py apply")
    parser.add_argument("file", metavar="FILE", type=Path, help="what --plan -o wrote")
    add_pr(parser)

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.apply_plan import apply_plan
        from promotion.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return apply_plan(repository, options.file, pr=options.pr, report=report, story=Story())

    return run(parser, arguments, command)


_APPROVE = """Agree to a kept plan: exactly that, for whoever else promotes it. Releases nothing.

examples:
  scripts/promote.py staging prod --plan -o plan.json     who wants to promote keeps the plan
  scripts/promote.py approve plan.json                    who agrees shows it again, and says so in git
  scripts/promote.py apply plan.json                      who wanted to promote does"""


def _approve_main(arguments: Sequence[str]) -> int:
    parser = make_parser(_APPROVE, "promote.py approve")
    parser.add_argument("file", metavar="FILE", type=Path, help="what --plan -o wrote")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.approve import approve
        from promotion.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return approve(repository, options.file, report=report, story=Story())

    return run(parser, arguments, command)


_RATIFY = """Stand for what releases of an environment skipped in an emergency.

examples:
  scripts/promote.py ratify prod --reason "INC-12: reviewed, the totals are right"
  scripts/status.py prod                              what is still open"""


def _ratify_main(arguments: Sequence[str]) -> int:
    parser = make_parser(_RATIFY, "promote.py ratify")
    parser.add_argument("environment", metavar="ENV", help="the environment")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why, kept with the evidence")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.ratify import ratify
        from promotion.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return ratify(repository, options.environment, options.reason.strip(), report=report, story=Story())

    return run(parser, arguments, command)


# What `promote.py` does when its first word is no environment.
_VERBS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "apply": _apply_main,
    "approve": _approve_main,
    "backfill": backfill_main,
    "finalize": finalize_main,
    "ratify": _ratify_main,
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
        from promotion.git import Repository

        with Repository.find(Path.cwd()) as repository:
            return promote(
                repository,
                options.source,
                options.target,
                options_of(options),
                mode=options.mode,
                report=report,
                story=Story(),
                plan_file=options.output,
                pr=options.pr,
            )

    return run(parser, arguments, command)
