"""The documentation holds together: no dead link, no page that nobody finds, no command that would be refused."""

from __future__ import annotations

import argparse
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from markdown import Markdown

from basics.errors import UsageError
from helpers import ROOT, git
from reference.commands import parsers

WORDS = 1500  # as many as somebody reads in one go; reference is looked up instead

_LINK = re.compile(r"!?\[[^]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"scripts/(\w+\.py(?: [^|;>#)\n]*)?)")
_ID = re.compile(r' id="([^"]+)"')


def pages() -> list[str]:
    """Return every page for people, in this checkout."""
    not_ours = (":!tests", ":!mage_project", ":!examples")
    listing = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md", *not_ours)
    names = listing.split("\0")
    return sorted(name for name in names if name and (ROOT / name).is_file())


PAGES = pages()


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def links_of(page: str) -> Iterator[str]:
    for target in _LINK.findall(_FENCE.sub("", text_of(page))):
        if not re.match(r"[a-z]+:", target):
            yield target


@cache
def anchors_of(path: Path) -> frozenset[str]:
    """Return the anchors of a page, as the site makes them."""
    converted = Markdown(extensions=["toc", "tables", "fenced_code"]).convert(path.read_text())
    return frozenset(_ID.findall(converted))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    dead = []
    for target in links_of(page):
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            dead.append(target)
    assert dead == []


def test_every_page_is_in_the_navigation() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text())
    assert sorted(listed(site["project"]["nav"])) == PAGES


def listed(entry: Any) -> Iterator[str]:
    """Yield the pages of a part of the navigation: a page, or a list of parts, under a title or not."""
    if isinstance(entry, str):
        yield entry
    else:
        for part in entry.values() if isinstance(entry, dict) else entry:
            yield from listed(part)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.startswith("docs/") and not page.startswith("docs/reference/")]
)
def test_a_page_is_read_in_one_go(page: str) -> None:
    assert len(text_of(page).split()) <= WORDS


@cache
def known() -> dict[str, argparse.ArgumentParser]:
    return dict(parsers())


@pytest.mark.parametrize("page", PAGES)
def test_every_command_would_be_understood(page: str) -> None:
    misunderstood = []
    for _, language, block in _FENCE.findall(text_of(page)):
        for command in _COMMAND.findall(block.replace("\\\n", " ")) if language in ("console", "sh") else ():
            if not understood(shlex.split(command)):
                misunderstood.append(command)
    assert misunderstood == []


def understood(words: list[str]) -> bool:
    """Tell whether the parser of the command takes the words."""
    try:
        known()[words[0]].parse_args(words[1:])
    except (KeyError, UsageError):
        return False
    except SystemExit as end:  # of --help
        return end.code == 0
    return True
