"""A plan as Markdown: all that the text says, whatever pipelines are called, read back by a real parser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from helpers import (
    PROJECT,
    call_script,
    promote,
    push,
    refused,
    schedule,
    values,
    write,
    write_loading_pipeline,
    write_policy,
)
from promotion.showing.markdown import code, code_block, document, folded, table

# What breaks out of a table or of code, or links somewhere where hosts look for that.
HOSTILE = [
    "a|b",
    r"a\|b",
    "`x`",
    "``",
    "a`|`b",
    "<b>&amp;",
    "@ada #12 https://x.example",
    "[a](b)",
    "a\nb",
    "| - |",
]


def parsed(text: str) -> list[Token]:
    """Return the tokens of `text`, those within lines among them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [inner for token in tokens for inner in [token, *(token.children or [])]]


def codes(text: str) -> list[str]:
    return [token.content for token in parsed(text) if token.type == "code_inline"]


@pytest.fixture
def everything(promoted_to_dev: Path) -> Path:
    """Main changes, adds and removes pipelines of dev, databases and schedules; dev's policy is in the way."""
    write_loading_pipeline(promoted_to_dev, "refunds", shared=True)
    for path in (promoted_to_dev / f"{PROJECT}/pipelines/returns").iterdir():
        path.unlink()
    # Twice a minute apart, the next runs of something rare are the same.
    nightly = {"nightly": schedule("stock", "0 4 1 jan *"), "once": schedule("returns", "@once")}
    write(
        promoted_to_dev,
        {
            f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n",
            "environments/dev/values.yaml": values("dev", schedules=nightly, postgres={"databases": ["lake"]}),
        },
    )
    museum = {"start": "2026-01-01", "end": "2126-01-01", "zone": "UTC", "reason": "museum"}
    write_policy(promoted_to_dev, "dev", gates=["static", "smoke"], freezes=[museum], holds=[{"reason": "audit"}])
    push(promoted_to_dev)
    return promoted_to_dev


def plan(clone: Path, *form: str) -> str:
    skipping = ("--emergency", "smoke", "--reason", "x")
    return call_script(clone, "promote", "main", "dev", "--plan", *skipping, *form).stdout


def test_it_says_everything_that_the_text_says(everything: Path) -> None:
    said = "\n".join([*codes(markdown := plan(everything, "--markdown")), markdown])
    missing = {word for word in re.findall(r"\w[\w./@-]*\w", plan(everything)) if word.lower() not in said.lower()}
    assert missing == set()


def test_it_is_the_same_each_time(everything: Path) -> None:
    assert plan(everything, "--markdown") == plan(everything, "--markdown")


def test_it_links_nothing(everything: Path) -> None:
    assert not {token.type for token in parsed(plan(everything, "--markdown"))} & {"link_open", "image"}


def test_a_rollback_has_it_too(two_changes: Path) -> None:
    promote(two_changes, "main", "dev")
    shown = call_script(two_changes, "rollback", "dev", "--reason", "x", "--plan", "--markdown")
    assert (shown.exit_code, shown.stdout.splitlines()[0]) == (2, "## Rollback plan")


def test_nothing_to_do_is_said(promoted_to_dev: Path) -> None:
    assert "Nothing to do" in plan(promoted_to_dev, "--markdown")


@pytest.mark.parametrize("arguments", [["--yes", "--markdown"], ["--plan", "--markdown", "--json"]])
def test_it_is_one_form_of_a_plan(project: Path, arguments: Sequence[str]) -> None:
    assert refused(project, "promote", "main", "dev", *arguments)["code"] == "usage"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_stays_in_its_cell_and_in_its_code(text: str) -> None:
    rows = parsed(table(("a", "b"), [[code(text), code("next")]]))
    assert sum(token.type == "td_open" for token in rows) == 2
    told, following = (token.content for token in rows if token.type == "code_inline")
    assert (told.replace("\\\\|", "\\|"), following) == (" ".join(text.split()), "next")
    assert not any(token.type in ("html_inline", "link_open") for token in rows)


@pytest.mark.parametrize("text", [*HOSTILE, "```\n# x\n```", "~~~"])
def test_a_text_stays_in_its_block(text: str) -> None:
    (block,) = parsed(code_block(text))
    assert (block.type, block.content) == ("fence", f"{text}\n")


@pytest.mark.parametrize("text", ["\u202eevil", "bell\a", "\udcff"])
def test_what_cannot_be_seen_is_shown(text: str) -> None:
    assert codes(code(text))[0].isascii()


def test_long_lists_are_folded_and_endless_ones_cut() -> None:
    rows = [[code(str(number)), ""] for number in range(1000)]
    text = document([folded("1000 rows", rows, table(("a", "b"), rows))])
    assert text.startswith("<details><summary>1000 rows</summary>\n\n| a | b |\n")
    assert "… and 800 more" in text
    assert folded("1 row", rows[:1], "content") == "content"
