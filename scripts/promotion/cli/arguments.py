"""The arguments that several commands have: one spelling for one thing."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

from basics.errors import UsageError
from promotion.cli import candidates
from promotion.options import SKIPPABLE, Options


def completed(action: argparse.Action, names: Callable[..., Iterable[str]]) -> None:
    """Let a shell complete what is typed for `action` with one of `names`."""
    action.completer = names  # type: ignore[attr-defined] # where argcomplete looks for it


def add_output(
    parser: argparse.ArgumentParser, *, markdown: bool = False, quiet: str = "tell no progress"
) -> None:
    """Add in which form the result is told, and how much beside it."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    if markdown:
        forms.add_argument("--markdown", action="store_true", help="with --plan: show it as Markdown")
    parser.add_argument("-q", "--quiet", action="store_true", help=quiet)


def add_environment(
    parser: argparse.ArgumentParser, told: str = "the environment", *, optional: bool = False
) -> None:
    """Add `ENV`."""
    action = parser.add_argument("environment", metavar="ENV", nargs="?" if optional else None, help=told)
    completed(action, candidates.environments)


def add_ends(parser: argparse.ArgumentParser) -> None:
    """Add `SRC DST`."""
    completed(parser.add_argument("source", metavar="SRC", help="main or an environment"), candidates.sources)
    completed(parser.add_argument("target", metavar="DST", help="an environment"), candidates.environments)


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add `ENV|PATH`."""
    told = "an environment, or a folder (the clone that you stand in)"
    action = parser.add_argument("place", metavar="ENV|PATH", nargs="?", default=".", help=told)
    completed(action, candidates.environments)


def add_plan_file(parser: argparse.ArgumentParser) -> None:
    """Add `FILE`, a kept plan."""
    parser.add_argument("file", metavar="FILE", type=Path, help="what --plan -o wrote")


def add_pipelines(
    parser: argparse.ArgumentParser, metavar: str = "NAME", told: str = "only this pipeline (repeat)"
) -> None:
    """Add `-p NAME`."""
    action = parser.add_argument(
        "-p", "--pipeline", dest="pipelines", metavar=metavar, action="append", default=[], help=told
    )
    completed(action, candidates.pipelines)


def add_selectors(parser: argparse.ArgumentParser) -> None:
    """Add `-p SELECTOR` and `--exclude SELECTOR`."""
    add_pipelines(
        parser,
        "SELECTOR",
        "only these pipelines (repeat): NAME, +NAME with what it needs, NAME+ with what needs it, tag:TAG, "
        "path:FILE, state:modified",
    )
    action = parser.add_argument(
        "--exclude", metavar="SELECTOR", action="append", default=[], help="but not these (repeat)"
    )
    completed(action, candidates.pipelines)


def add_modes(parser: argparse.ArgumentParser) -> None:
    """Add what every command has that makes a release."""
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--plan", dest="mode", action="store_const", const="plan", help="show the plan, write nothing"
    )
    mode.add_argument("--yes", dest="mode", action="store_const", const="yes", help="apply without asking")
    parser.set_defaults(mode="ask")
    add_pr(parser)
    add_reason(parser, "the release")
    action = parser.add_argument(
        "--emergency",
        metavar="NAMES",
        type=_skippable,
        default=(),
        help=f"skip these checks, of {', '.join(SKIPPABLE)} (needs --reason); red until ratified",
    )
    completed(action, lambda **_: SKIPPABLE)
    add_verify_dependants(parser)


def add_reason(parser: argparse.ArgumentParser, place: str) -> None:
    """Add `--reason`, which is kept in `place`."""
    parser.add_argument("--reason", metavar="TEXT", type=_one_line, default="", help=f"why, kept in {place}")


def _one_line(text: str) -> str:
    """Read a reason: whoever tells it later has a line for it."""
    return " ".join(text.split())


def add_pr(parser: argparse.ArgumentParser) -> None:
    """Add `--pr`."""
    parser.add_argument(
        "--pr",
        action="store_true",
        help="push the release to a branch for a pull request; afterwards: promote.py finalize ENV",
    )


def add_verify_dependants(parser: argparse.ArgumentParser) -> None:
    """Add `--verify-dependants`."""
    parser.add_argument(
        "--verify-dependants",
        action="store_true",
        help="let shared files move for pipelines that were not selected, and prove those too",
    )


def _skippable(text: str) -> tuple[str, ...]:
    """Read names of checks, separated by commas."""
    names = tuple(text.split(","))
    for name in names:
        if name not in SKIPPABLE:
            raise argparse.ArgumentTypeError(f"{name!r} cannot be skipped; of {', '.join(SKIPPABLE)}, with commas")
    return names


def options_of(options: argparse.Namespace) -> Options:
    """Return what `add_modes` and `add_selectors` (or `add_pipelines`) have parsed."""
    if options.markdown and options.mode != "plan":
        raise UsageError("usage", "--markdown shows a plan and applies none", fix="add --plan, or leave it out")
    return Options(
        tuple(options.pipelines),
        tuple(options.exclude),
        options.verify_dependants,
        options.release_hold,
        options.reason,
        options.emergency,
    )
