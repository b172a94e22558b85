"""The command line: one parser per verb, the exit codes, and the boundary where errors become messages."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import FrameType
from typing import NoReturn

from promotion.emergency import SKIPPABLE
from promotion.environment import FOLDER as ENVIRONMENTS
from promotion.errors import Interrupted, PromotionError, UsageError
from promotion.git import Repository
from promotion.plan import Options
from promotion.policy import SMOKE_KINDS
from promotion.process import CommandError, run, without_credentials
from promotion.report import Report
from promotion.story import Story

_EXITS = """exit codes:
  0 done or nothing to do   1 error: could not tell   2 --plan found changes   3 a gate said no
  4 policy refused   5 conflict: shared file, stale plan, lost race   6 a gate could not run
  64 usage   130 interrupted or declined"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError("usage", message, fix=f"{self.prog} --help")


def _parser(description: str, program: str | None = None) -> _Parser:
    told, _, examples = description.partition("\n\n")
    parser = _Parser(
        prog=program,
        description=told,
        epilog=f"{examples.strip()}\n\n{_EXITS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    return parser


def _add_modes(parser: argparse.ArgumentParser) -> None:
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--plan", dest="mode", action="store_const", const="plan", help="show the plan, write nothing"
    )
    mode.add_argument("--yes", dest="mode", action="store_const", const="yes", help="apply without asking")
    parser.set_defaults(mode="ask")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why, kept in the release")
    parser.add_argument(
        "--emergency",
        metavar="NAMES",
        type=_skippable,
        default=(),
        help=f"skip these checks, of {', '.join(SKIPPABLE)} (needs --reason); red until ratified",
    )
    parser.add_argument(
        "--verify-dependants",
        action="store_true",
        help="let shared files move for pipelines that were not selected, and prove those too",
    )


def _add_pipelines(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-p",
        "--pipeline",
        dest="pipelines",
        metavar="NAME",
        action="append",
        default=[],
        help="only this one (repeat)",
    )


def _add_selectors(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-p",
        "--pipeline",
        dest="pipelines",
        metavar="SELECTOR",
        action="append",
        default=[],
        help="only these (repeat): NAME, +NAME with what it needs, NAME+ with what needs it, tag:TAG, "
        "state:modified",
    )
    parser.add_argument(
        "--exclude", metavar="SELECTOR", action="append", default=[], help="but not these (repeat)"
    )


_APPLY = """Carry out a kept plan: exactly that, without a question, or nothing.

examples:
  scripts/promote.py staging prod --plan -o plan.json     look, and keep what you saw
  scripts/promote.py apply plan.json                      do it; exit code 5 when something changed since"""


def _apply_main(arguments: Sequence[str]) -> int:
    parser = _parser(_APPLY, "promote.py apply")
    parser.add_argument("file", metavar="FILE", type=Path, help="what --plan -o wrote")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.apply_plan import apply_plan

        with Repository.find(Path.cwd()) as repository:
            return apply_plan(repository, options.file, report=report, story=Story())

    return _run(parser, arguments, command)


_RATIFY = """Stand for what releases of an environment skipped in an emergency.

examples:
  scripts/promote.py ratify prod --reason "INC-12: reviewed, the totals are right"
  scripts/status.py prod                              what is still open"""


def _ratify_main(arguments: Sequence[str]) -> int:
    parser = _parser(_RATIFY, "promote.py ratify")
    parser.add_argument("environment", metavar="ENV", help="the environment")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why, kept with the evidence")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.ratify import ratify

        with Repository.find(Path.cwd()) as repository:
            return ratify(repository, options.environment, options.reason.strip(), report=report, story=Story())

    return _run(parser, arguments, command)


# What `promote.py` does when its first word is no environment.
_VERBS: Mapping[str, Callable[[Sequence[str]], int]] = {"apply": _apply_main, "ratify": _ratify_main}


def promote_main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `promote.py`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in _VERBS:
        return _VERBS[arguments[0]](arguments[1:])
    parser = _parser(description)
    parser.add_argument("source", metavar="SRC", help="main or an environment")
    parser.add_argument("target", metavar="DST", help="an environment")
    _add_modes(parser)
    _add_selectors(parser)
    parser.add_argument(
        "--release-hold", action="store_true", help="promote what was rolled back (needs --reason)"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="with --plan: keep it, for `promote.py apply FILE`"
    )

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.promote import promote

        with Repository.find(Path.cwd()) as repository:
            return promote(
                repository,
                options.source,
                options.target,
                _options(options),
                mode=options.mode,
                report=report,
                story=Story(),
                plan_file=options.output,
            )

    return _run(parser, arguments, command)


def smoke_main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `smoke.py`."""
    parser = _parser(description)
    parser.add_argument("source", metavar="SRC", help="main or an environment")
    parser.add_argument("target", metavar="DST", help="an environment")
    parser.add_argument(
        "--on", choices=SMOKE_KINDS, help="this machine, or a kind cluster (what DST's policy.yaml says)"
    )
    _add_selectors(parser)

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.smoke import prove

        wanted = Options(tuple(options.pipelines), tuple(options.exclude), smoke=options.on)
        with Repository.find(Path.cwd()) as repository:
            return prove(repository, options.source, options.target, wanted, report=report, story=Story())

    return _run(parser, arguments, command)


def rollback_main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `rollback.py`."""
    parser = _parser(description)
    parser.add_argument("environment", metavar="ENV", help="the environment to take back")
    parser.add_argument("--to", metavar="N", type=int, help="the release to go back to (the last good one)")
    _add_modes(parser)
    _add_pipelines(parser)
    parser.set_defaults(release_hold=False, exclude=[])

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.rollback import rollback

        with Repository.find(Path.cwd()) as repository:
            return rollback(
                repository,
                options.environment,
                options.to,
                _options(options),
                mode=options.mode,
                report=report,
                story=Story(),
            )

    return _run(parser, arguments, command)


def status_main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `status.py`."""
    parser = _parser(description)
    parser.add_argument("environment", metavar="ENV", nargs="?", help="only this environment, with its releases")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write the page to FILE as well")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.status import status

        with Repository.find(Path.cwd()) as repository:
            return status(repository, options.environment, options.html, report=report)

    return _run(parser, arguments, command)


def verify_main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `verify.py`."""
    parser = _parser(description)
    parser.add_argument("what", metavar="ENV|PATH", nargs="?", default=".", help="an environment, or a folder (.)")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.verify import verify

        return verify(_place(options.what), report=report, story=Story())

    return _run(parser, arguments, command)


def run_main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `run.py`."""
    parser = _parser(description)
    parser.add_argument("what", metavar="ENV|PATH", nargs="?", default=".", help="an environment, or a folder (.)")
    _add_pipelines(parser)
    parser.add_argument("--days", metavar="FROM..TO", type=_days, default=[], help="days like 2013-02-08")
    parser.add_argument("-q", "--quiet", action="store_true", help="one line per run; failed blocks as well")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.run import run_locally

        return run_locally(
            _place(options.what),
            options.pipelines,
            options.days,
            brief=options.quiet,
            report=report,
            story=Story(),
        )

    return _run(parser, arguments, command)


def image_main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Run `image.py`."""
    parser = _parser(description)
    verbs = parser.add_subparsers(metavar="build", required=True, parser_class=_Parser)
    build = verbs.add_parser("build", help="build the image of a tree, unless it is there", allow_abbrev=False)
    build.add_argument("what", metavar="TREE", nargs="?", default=".", help="an environment, or a folder (.)")
    build.add_argument("--repository", metavar="NAME", default="mage", help="the image's name (mage)")
    build.add_argument(
        "--base-image", metavar="IMAGE", help="instead of the Dockerfile's, for example of a mirror"
    )
    build.add_argument("--without-r", dest="with_r", action="store_false", help="leave R out: blocks in R fail")
    build.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="one JSON document on stdout"
    )
    target = build.add_mutually_exclusive_group()
    target.add_argument("--load", metavar="CLUSTER", help="load it into this kind cluster as well")
    target.add_argument("--push", action="store_true", help="push it; what the registry has is never built again")

    def command(options: argparse.Namespace, report: Report) -> int:
        from promotion.commands.image import Wanted, build_image

        wanted = Wanted(options.repository, options.base_image, with_r=options.with_r)
        return build_image(
            _place(options.what), wanted, load=options.load, push=options.push, report=report, story=Story()
        )

    return _run(parser, arguments, command)


def _place(what: str) -> Path | str:
    """Return the folder or the name of the environment that `what` is: of one spelling, the environment."""
    if what == ".":
        return _clone_around(Path.cwd())
    is_path = "/" in what or what.startswith(".")
    if not is_path and (_clone_around(Path.cwd()) / ENVIRONMENTS / what).is_dir():
        return what
    if Path(what).is_dir():
        return Path(what)
    if is_path or Path(what).exists():
        raise UsageError("no-folder", f"there is no folder {what}", fix="name a clone's root, or an environment")
    return what


def _clone_around(folder: Path) -> Path:
    """Return the root of the clone around `folder`, or `folder` itself if it looks like one or there is none."""
    if (folder / ENVIRONMENTS).is_dir():
        return folder
    try:
        shown = run("git", "rev-parse", "--show-toplevel", cwd=folder)
    except CommandError:
        return folder
    return Path(os.fsdecode(shown.removesuffix(b"\n")))


def _days(text: str) -> list[date]:
    """Read `DAY` or `FROM..TO`, both included."""
    first, dots, last = text.partition("..")
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last if dots else first)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}; write 2013-02-04..2013-02-10") from error
    if start > end:
        raise argparse.ArgumentTypeError(f"{end} is before {start}")
    return [date.fromordinal(number) for number in range(start.toordinal(), end.toordinal() + 1)]


def _skippable(text: str) -> tuple[str, ...]:
    """Read names of checks, separated by commas."""
    names = tuple(text.split(","))
    for name in names:
        if name not in SKIPPABLE:
            raise argparse.ArgumentTypeError(f"{name!r} cannot be skipped; of {', '.join(SKIPPABLE)}, with commas")
    return names


def _options(options: argparse.Namespace) -> Options:
    return Options(
        tuple(options.pipelines),
        tuple(options.exclude),
        options.verify_dependants,
        options.release_hold,
        options.reason.strip(),
        options.emergency,
    )


def _run(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    command: Callable[[argparse.Namespace, Report], int],
) -> int:
    """Parse, run `command`, and turn whatever either raises into a message and an exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file name in git need not be text
    report = Report(as_json="--json" in arguments)
    try:
        with _interrupted_by(signal.SIGTERM, signal.SIGHUP):
            return command(parser.parse_args(arguments), report)
    except PromotionError as error:
        report.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        report.error(Interrupted())
        return Interrupted.exit_code
    except Exception as error:  # noqa: BLE001 (the boundary: a surprise becomes a report, not a naked traceback)
        report.error(
            PromotionError("unexpected", f"{type(error).__name__}: {error}", fix=f"see {_traceback_file()}")
        )
        return PromotionError.exit_code
    finally:
        report.close()


@contextmanager
def _interrupted_by(*signals: signal.Signals) -> Iterator[None]:
    """Let each of `signals` do in the block what Ctrl-C does: whatever was made for the block is removed."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        for ending in before:
            signal.signal(ending, signal.SIG_IGN)  # one is enough: the second must not stop the removal
        raise KeyboardInterrupt

    heard = (
        number for number in signals if signal.getsignal(number) is not signal.SIG_IGN
    )  # nohup ignores SIGHUP
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _traceback_file() -> str:
    with tempfile.NamedTemporaryFile("w", prefix="promotion-", suffix=".log", delete=False) as log:
        log.write(without_credentials(traceback.format_exc()))
    return log.name
