"""The boundary of every command: arguments come in, messages and exit codes go out, whatever happens inside."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from basics import progress
from basics.errors import Interrupted, PromotionError
from basics.process import without_credentials
from promotion.cli.parser import Command, parser_of
from promotion.showing.report import Report

# What is read is needed until the end. To look for garbage every 700 objects would take a third of the time.
_OBJECTS = 1_000_000


def run(command: Command, arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments and run `command`; turn every error into a message and an exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file name in git may be no valid text
    gc.set_threshold(_OBJECTS)
    report = Report(
        as_json="--json" in arguments,
        as_markdown="--markdown" in arguments,
        everything="--all" in arguments,
    )
    try:
        with _interrupted_by(signal.SIGTERM, signal.SIGHUP):
            parser = parser_of(command)
            if "_ARGCOMPLETE" in os.environ:  # a shell asks what may be typed next
                from argcomplete import autocomplete

                autocomplete(parser, always_complete_options=False)  # this ends the process
            options = parser.parse_args(arguments)
            progress.quiet = getattr(options, "quiet", False)
            code = 0
            for result in command.run(options):
                report.show(result)
                code = result.exit_code
            return code
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
    """Let each of `signals` end the block as Ctrl-C does: what was made for the block is then removed."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        for ending in before:
            signal.signal(ending, signal.SIG_IGN)  # one signal is enough: a second must not stop the removal
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
    import tempfile  # imported here because nearly no command needs it
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="promotion-", suffix=".log", delete=False) as log:
        log.write(without_credentials(traceback.format_exc()))
    return log.name
