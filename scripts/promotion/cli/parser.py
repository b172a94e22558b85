"""What the command lines have in common: how they are parsed, and the arguments that several have."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from basics.errors import UsageError
from promotion.options import SKIPPABLE, Options

_EXITS = """exit codes:
  0 done or nothing to do   1 error: could not tell   2 --plan found changes   3 a gate said no
  4 policy refused   5 conflict: shared file, stale plan, lost race   6 no verdict yet: try again
  64 usage   130 interrupted or declined"""


class Parser(argparse.ArgumentParser):
    """argparse, with our errors and one form of output."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.forms = self.add_mutually_exclusive_group()
        self.forms.add_argument("--json", action="store_true", help="print one JSON document on stdout")

    def error(self, message: str) -> NoReturn:
        """Refuse what was typed: exit code 64, where argparse would take the 2 of `--plan`."""
        raise UsageError("usage", message, fix=f"scripts/{self.prog} --help")


def make_parser(description: str, program: str | None = None) -> Parser:
    """Return the parser of a command; `description` is one paragraph and examples."""
    told, _, examples = description.partition("\n\n")
    return Parser(
        prog=program,
        description=told,
        epilog=f"{examples.strip()}\n\n{_EXITS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_modes(parser: Parser) -> None:
    """Add what every command has that makes a release."""
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--plan", dest="mode", action="store_const", const="plan", help="show the plan, write nothing"
    )
    mode.add_argument("--yes", dest="mode", action="store_const", const="yes", help="apply without asking")
    parser.set_defaults(mode="ask")
    add_pr(parser)
    parser.forms.add_argument("--markdown", action="store_true", help="with --plan: show it as Markdown")
    add_reason(parser, "the release")
    parser.add_argument(
        "--emergency",
        metavar="NAMES",
        type=_skippable,
        default=(),
        help=f"skip these checks, of {', '.join(SKIPPABLE)} (needs --reason); red until ratified",
    )
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


def add_pipelines(parser: argparse.ArgumentParser) -> None:
    """Add `-p NAME`."""
    parser.add_argument(
        "-p",
        "--pipeline",
        dest="pipelines",
        metavar="NAME",
        action="append",
        default=[],
        help="only this one (repeat)",
    )


def add_selectors(parser: argparse.ArgumentParser) -> None:
    """Add `-p SELECTOR` and `--exclude SELECTOR`."""
    parser.add_argument(
        "-p",
        "--pipeline",
        dest="pipelines",
        metavar="SELECTOR",
        action="append",
        default=[],
        help="only these (repeat): NAME, +NAME with what it needs, NAME+ with what needs it, tag:TAG, path:FILE, "
        "state:modified",
    )
    parser.add_argument(
        "--exclude", metavar="SELECTOR", action="append", default=[], help="but not these (repeat)"
    )


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
