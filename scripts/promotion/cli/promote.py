"""Promote data pipelines from one environment to the next.

`scripts/promote.py dev staging` is short for `scripts/promote.py promote dev
staging`. Each verb has a help of its own: `scripts/promote.py VERB --help`.

examples:
  scripts/promote.py main dev                    show the plan, ask, release
  scripts/promote.py staging prod --plan         look only
  scripts/promote.py promote --help              all that a promotion takes
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import cast

from basics.errors import UsageError
from basics.wording import nearest
from promotion.cli import candidates
from promotion.cli.parser import Command, Parser
from promotion.options import VERBS
from promotion.showing.result import Result

_SCRIPTS = Path(__file__).parents[2]
_LIKE = 0.65  # of 1: a typing mistake; most names of environments are less like a verb


def _add_verbs(parser: Parser) -> None:
    parser.usage = "promote.py SRC DST [OPTION ...]\n       promote.py VERB ..."
    parser.prepare = _with_verb
    verbs = parser.add_subparsers(
        title="verbs", metavar="VERB", required=True, prog=parser.prog, parser_class=Parser
    )
    verbs.completer = candidates.sources  # type: ignore[attr-defined] # of `SRC DST`
    for name in VERBS:
        command = cast(Command, import_module(f"promotion.cli.verbs.{name}"))
        summary = (command.__doc__ or "").partition("\n")[0].removesuffix(".")
        verb = verbs.add_parser(name, help=summary, command=command)
        verb.set_defaults(run=command.run)


def _with_verb(words: list[str]) -> list[str]:
    """Put `promote` in front of `SRC DST`."""
    if not words or words[0] in (*VERBS, "-h", "--help", "--version"):
        return words
    if words[0] in candidates.sources():
        return ["promote", *words]
    if (_SCRIPTS / f"{words[0]}.py").is_file():
        fix = f"it is a script of its own: scripts/{words[0]}.py --help"
        raise UsageError("unknown-verb", f"promote.py has no verb {words[0]!r}", fix=fix)
    if like := nearest(words[0], VERBS, _LIKE):
        told, fix = f"there is no verb and no environment {words[0]!r}", f"scripts/promote.py {like[0]} --help"
        raise UsageError("unknown-verb", told, fix=f"did you mean {like[0]}? {fix}")
    return ["promote", *words]


TAKES = (_add_verbs,)


def run(options: argparse.Namespace) -> Iterator[Result]:
    """Do what the verb says."""
    return options.run(options)  # type: ignore[no-any-return]
