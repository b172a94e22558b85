"""What commands take. An argument has one spelling in all commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from basics.errors import UsageError
from basics.wording import near
from promotion.cli import candidates
from promotion.options import SKIPPABLE, Options

Argument = Callable[[Any], object]  # adds itself to a parser, or to a group in one


def argument(*names: str, completer: Callable[..., Iterable[str]] | None = None, **options: Any) -> Argument:
    """Return an argument with argparse's `options`; a shell completes it with what `completer` returns."""

    def add(parser: argparse._ActionsContainer) -> None:
        action = parser.add_argument(*names, **options)
        if completer:
            action.completer = completer  # type: ignore[attr-defined] # where argcomplete looks for it

    return add


def one_of(*arguments: Argument) -> Argument:
    """Return arguments of which a person types at most one."""

    def add(parser: argparse._ActionsContainer) -> None:
        group = parser.add_mutually_exclusive_group()
        for each in arguments:
            each(group)

    return add


def given(**defaults: Any) -> Argument:
    """Return values that are read as if they were typed."""
    return lambda parser: parser.set_defaults(**defaults)


def _one_line(text: str) -> str:
    """Read a reason as one line, because it is shown as one."""
    return " ".join(text.split())


def _skippable(text: str) -> tuple[str, ...]:
    """Read names of checks, separated by commas."""
    names = tuple(text.split(","))
    for name in names:
        if name not in SKIPPABLE:
            raise argparse.ArgumentTypeError(f"{name!r} cannot be skipped; {near(name, SKIPPABLE)}")
    return names


ENVIRONMENT = argument("environment", metavar="ENV", help="the environment", completer=candidates.environments)
ENDS = (
    argument("source", metavar="SRC", help="main or an environment", completer=candidates.sources),
    argument("target", metavar="DST", help="an environment", completer=candidates.environments),
)
PLACE = argument(
    "place",
    metavar="ENV|PATH",
    nargs="?",
    default=".",
    help="an environment, or a folder (the clone that you are in)",
    completer=candidates.environments,
)
PLAN_FILE = argument("file", metavar="FILE", type=Path, help="what --plan -o wrote")


def _pipelines(metavar: str, told: str) -> Argument:
    names, dest = ("-p", "--pipeline"), "pipelines"
    some: dict[str, Any] = {"action": "append", "default": [], "completer": candidates.pipelines}
    return argument(*names, dest=dest, metavar=metavar, help=f"only {told} (repeatable)", **some)


PIPELINES = _pipelines("NAME", "this pipeline")
SELECTORS = (
    _pipelines(
        "SELECTOR",
        "these pipelines: NAME, +NAME with what it needs, NAME+ with what needs it, tag:TAG, path:FILE, "
        "state:modified",
    ),
    argument(
        "--exclude",
        metavar="SELECTOR",
        action="append",
        default=[],
        help="but not these (repeatable)",
        completer=candidates.pipelines,
    ),
)
VERIFY_DEPENDANTS = argument(
    "--verify-dependants",
    action="store_true",
    help="change shared files also for pipelines that are not selected, and prove those too",
)
REASON = argument("--reason", metavar="TEXT", type=_one_line, default="", help="why; the record keeps it")
PR = argument(
    "--pr",
    action="store_true",
    help="push the release to a branch for a pull request; afterwards: promote.py finalize ENV",
)
# Whether a command shows its plan, asks, or carries it out.
MODE = (
    one_of(
        argument("--plan", dest="mode", action="store_const", const="plan", help="show the plan, write nothing"),
        argument("--yes", dest="mode", action="store_const", const="yes", help="apply without asking"),
    ),
    given(mode="ask"),
)
# What every command takes that makes a release.
RELEASING = (
    *MODE,
    PR,
    REASON,
    argument(
        "--new-image",
        action="store_true",
        help="if the registry lost the recorded image: take what it has under the tag, or build it anew",
    ),
    argument(
        "--emergency",
        metavar="NAMES",
        type=_skippable,
        default=(),
        help=f"skip checks, with commas between them: {', '.join(SKIPPABLE)} (needs --reason); red until ratified",
        completer=lambda **_: SKIPPABLE,
    ),
    VERIFY_DEPENDANTS,
)
# Where a command that only reads looks.
CLUSTER = (
    argument("--context", metavar="NAME", help="of kubectl; that of the policy by default, else the current one"),
    argument("--namespace", metavar="NAME", help="that of the policy by default, else the environment's name"),
)
ALL = argument("--all", action="store_true", help="of very many findings, show every one")
_JSON = argument("--json", action="store_true", help="print one JSON document on stdout")
_MARKDOWN = argument("--markdown", action="store_true", help="with --plan: show it as Markdown")


def _quiet(told: str) -> Argument:
    return argument("-q", "--quiet", action="store_true", help=told)


OUTPUT = (_JSON, _quiet("show no progress"))
OUTPUT_OF_PLAN = (one_of(_JSON, _MARKDOWN), _quiet("show no progress"))
OUTPUT_OF_RUNS = (_JSON, _quiet("show no progress, but one line per run, and the blocks that failed"))


def options_of(options: argparse.Namespace) -> Options:
    """Return the parsed values of `RELEASING` and `SELECTORS` (or `PIPELINES`)."""
    if options.markdown and options.mode != "plan":
        raise UsageError("usage", "--markdown shows a plan and applies none", fix="add --plan, or leave it out")
    return Options(
        tuple(options.pipelines),
        tuple(options.exclude),
        options.verify_dependants,
        options.release_hold,
        options.reason,
        options.emergency,
        new_image=options.new_image,
    )
