"""Every command with its arguments, taken from its parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import cast

from promotion.cli.parser import Command, parser_of
from reference.markdown import code, plain, table

MODULES = (
    "promotion.cli.promote",  # what people type first comes first
    "promotion.cli.rollback",
    "promotion.cli.deploy",
    "promotion.cli.preview",
    "promotion.cli.status",
    "promotion.cli.verify",
    "promotion.cli.smoke",
    "promotion.cli.run",
    "promotion.cli.new",
    "promotion.cli.lock",
    "promotion.cli.image",
    "promotion.cli.adopt",
    "promotion.cli.dev",
    "promotion.cli.upgrade",
    "demonstration.demo",
)
_LAST = ("quiet", "json", "version")  # arguments that nearly all commands have
_INDENT = "  "


def commands(root: Path) -> str:
    """Return a section for each command."""
    return "\n".join(_section(name, parser) for name, parser in parsers())


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield each command, in the form `promote.py apply`, with its parser."""
    for module in MODULES:
        parser = parser_of(cast(Command, import_module(module)))
        yield from _with_verbs(parser.prog, parser)


def _with_verbs(name: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, below in action.choices.items():
                yield from _with_verbs(f"{name} {verb}", below)


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    shown = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    shown.sort(key=lambda action: (bool(action.option_strings), action.dest in _LAST))
    words = [_word(action) for action in shown if not action.option_strings]
    rows = [_row(action) for action in shown if not isinstance(action, argparse._SubParsersAction)]
    parts = [f"## {name}", "", plain(parser.description or "").strip(), ""]
    parts += ["```text", " ".join([f"scripts/{name}", *words, "[options]"]), "```", ""]
    parts.append(table(("argument", "what it does"), rows))
    examples = list(_examples(parser))
    if examples:
        parts += ["```sh", *examples, "```", ""]
    return "\n".join(parts)


def _word(action: argparse.Action) -> str:
    word = str(action.metavar or action.dest)
    return f"[{word}]" if action.nargs == "?" else word


def _row(action: argparse.Action) -> tuple[str, str]:
    value = "" if action.nargs == 0 else str(action.metavar or _choices(action) or action.dest.upper())
    shown = [f"{option} {value}".strip() for option in action.option_strings] or [value]
    told = (action.help or "") % {**vars(action), "prog": ""}
    return ", ".join(map(code, shown)), plain(told)


def _choices(action: argparse.Action) -> str:
    return "|".join(map(str, action.choices or ()))


def _examples(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the examples of its help, each below its explanation, which the help has below or beside it."""
    _, _, text = (parser.epilog or "").partition("examples:\n")
    examples: list[list[str]] = []
    for line in text.partition("\n\n")[0].splitlines():
        line = line.removeprefix(_INDENT)
        if line.startswith(_INDENT):
            examples[-1].append(line.strip())
        else:
            command, _, told = line.partition(_INDENT)
            examples.append([command, *filter(None, [told.strip()])])
    for example in examples:
        yield from (f"# {line}" for line in example[1:])
        yield example[0]
