"""How every command line is parsed: a module describes it, and the module's docstring is the help."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any, NoReturn, Protocol

from basics.errors import UsageError
from basics.wording import near
from promotion.cli.arguments import Argument
from promotion.showing.result import Result
from promotion.version import VERSION

_EXITS = """exit codes:
  0  done or nothing to do                5  conflict: shared file, stale plan,
  1  error: could not find out               lost race
  2  --plan found changes                 6  no verdict yet: try again
  3  a gate said no                       7  not healthy in the cluster
  4  policy refused                      64  usage
                                        130  interrupted or declined"""


class Command(Protocol):
    """The module of a command. Its docstring has a line that says what it does, any more text, and examples."""

    __doc__: str | None
    __name__: str

    @property
    def TAKES(self) -> Sequence[Argument]:  # noqa: N802 (a constant of each)
        """What is typed after the command."""

    def run(self, options: argparse.Namespace) -> Iterable[Result]:
        """Run the command and yield what to show. It imports what it needs here, so that `--help` is quick."""


class Parser(argparse.ArgumentParser):
    """argparse, with our errors; `prepare` can change the words before they are parsed."""

    def __init__(self, command: Command, **options: Any) -> None:
        told, _, examples = (command.__doc__ or "").partition("\n\nexamples:")
        super().__init__(
            **options,
            description=told,
            epilog=f"examples:{examples.rstrip()}\n\n{_EXITS}" if examples else _EXITS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.prepare: Callable[[list[str]], list[str]] = list
        for add in command.TAKES:
            add(self)
        self.add_argument("--version", action="version", version=VERSION, help="show the version and exit")

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str], namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse all of `args`; refuse an unknown option here, where options that are like it are known."""
        words = self.prepare(list(args))
        if self._subparsers is None:  # argparse would first ask for what is missing
            for word in takewhile(lambda word: word != "--", words):
                if re.match(r"--[a-z]\S*$", word) and word.partition("=")[0] not in self._option_string_actions:
                    self._refuse(word)
        options, unknown = super().parse_known_args(words, namespace)
        for word in unknown:
            self._refuse(word)
        return options, []

    def _refuse(self, word: str) -> NoReturn:
        if not re.match("--?[a-z]", word):
            self.error(f"there is one word too many: {word}")
        option = word.partition("=")[0]
        known = (name for name in self._option_string_actions if name.startswith("--"))
        raise UsageError("usage", f"there is no option {option}", fix=f"{near(option, known)}; {self._help}")

    def error(self, message: str) -> NoReturn:
        """Refuse the command line with exit code 64; argparse would use 2, which `--plan` has."""
        raise UsageError("usage", message, fix=self._help)

    @property
    def _help(self) -> str:
        return f"scripts/{self.prog} --help"


def parser_of(command: Command) -> Parser:
    """Return the parser of the script whose module is `command`."""
    return Parser(command, prog=f"{command.__name__.rpartition('.')[2]}.py")
