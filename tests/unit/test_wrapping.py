"""What is wider than its terminal is wrapped, and nothing of it is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basics.wrapping import table, wrapped
from helpers import PROJECT, command, environment, promote, push, run_script, write, write_loading_pipeline
from terminal import at_terminal

WORDS = st.lists(st.text("abc…→", min_size=1, max_size=9), min_size=1)
LONG = "a_pipeline_with_a_rather_long_name"


@given(words=WORDS, gaps=st.lists(st.sampled_from([" ", "  ", "     "])), width=st.integers(20, 60))
def test_a_wrapped_line_has_the_same_words(words: list[str], gaps: list[str], width: int) -> None:
    line = words[0] + "".join(gap + word for gap, word in zip(gaps, words[1:], strict=False))
    lines = wrapped(line, width)
    assert " ".join(lines).split() == line.split()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("Needs          1 setting; secrets A, B", ["Needs          1 setting;", "               secrets A, B"]),
        ("  ~ a  1 → 2  why it is so", ["  ~ a  1 → 2  why it is so"]),
        ("  ~ a  1 → 2  why it is just so", ["  ~ a  1 → 2  why it is just", "              so"]),
        ("no column at all in this long line", ["no column at all in this long", "  line"]),
        (
            "name  of a column that is  too far to the right",
            ["name  of a column that is  too", "      far to the right"],
        ),
        ("  fix: scripts/promote.py main dev --plan", ["  fix: scripts/promote.py main dev --plan"]),
        ("| a Markdown table | keeps its rows |\n| 1 | 2 |", ["| a Markdown table | keeps its rows |\n| 1 | 2 |"]),
        (f"{'x' * 40} y", ["x" * 40, "  y"]),
    ],
)
def test_lines_stand_below_their_column(line: str, lines: list[str]) -> None:
    assert wrapped(line, 30) == lines


def test_a_table_that_is_too_wide_is_several() -> None:
    columns = [["dev", "1", "3"], ["staging", "2", "4"], ["prod", "5", "6"]]
    narrow, rest = table(["name", "a", "b"], columns, 18)
    assert narrow == ["name  dev  staging", "a     1    2", "b     3    4", ""]
    assert rest == ["name  prod", "a     5", "b     6"]
    (wide,) = table(["name", "a", "b"], columns, None)
    assert wide[0] == "name  dev  staging  prod"


@pytest.fixture
def wide(project: Path) -> Path:
    """A clone with a long name in every environment, and a change on main that it depends on."""
    write_loading_pipeline(project, LONG, shared=True)
    push(project)
    for source, target in (("main", "dev"), ("dev", "staging"), ("staging", "prod")):
        promote(project, source, target)
    write(project, {f"{PROJECT}/utils/money.py": "rounded = abs\n"})
    push(project)
    return project


def shown(clone: Path, columns: int, *words: str, **variables: str) -> list[str]:
    """Return the lines that a script shows on a terminal."""
    variables = {"COLUMNS": str(columns), "TERM": "xterm-256color"} | variables
    _, text = at_terminal(command(*words), clone, environment(**variables))
    return text.replace("\r", "").splitlines()


@pytest.mark.parametrize(
    "words",
    [("status",), ("status", "prod"), ("promote", "main", "dev", "--plan", "-p", "orders"), ("verify", "prod")],
    ids=" ".join,
)
@pytest.mark.parametrize("columns", [80, 140])
def test_what_a_dumb_terminal_shows_fits_it(wide: Path, words: tuple[str, ...], columns: int) -> None:
    lines = shown(wide, columns, *words, TERM="dumb")
    assert all(len(line) <= columns or "scripts/" in line for line in lines), "\n".join(lines)
    assert not any("\x1b" in line for line in lines)
    piped = run_script(wide, *words)
    ages = re.compile(r"\d+(\.\d)?( ?s\b)")  # time goes on
    once = set(ages.sub("", piped.stdout).split())
    assert once <= set(ages.sub("", " ".join(lines)).split()), "a terminal shows all that a pipe gets"


def test_wide_terminals_have_one_table(wide: Path) -> None:
    headings = [line for line in shown(wide, 80, "status", TERM="dumb") if line.startswith("pipeline ")]
    assert [heading.split() for heading in headings] == [
        ["pipeline", "main", "dev", "staging"],
        ["pipeline", "prod"],
    ]
    (heading,) = (line for line in shown(wide, 140, "status", TERM="dumb") if line.startswith("pipeline "))
    assert heading.split() == ["pipeline", "main", "dev", "staging", "prod"]


def test_no_color_has_none(wide: Path) -> None:
    colours = re.compile(r"\x1b\[(?:\d+;)*(?:3|4|9|10)\d")
    plain = "\n".join(shown(wide, 80, "promote", "main", "dev", "--plan", NO_COLOR="1"))
    assert colours.search("\n".join(shown(wide, 80, "promote", "main", "dev", "--plan")))
    assert "Promotion plan" in plain
    assert not colours.search(plain)


def test_markdown_keeps_its_lines(wide: Path) -> None:
    words = ("promote", "main", "dev", "--plan", "--markdown")
    lines = run_script(wide, *words).stdout.splitlines()
    assert max(map(len, lines)) > 80
    assert set(lines) <= set(shown(wide, 80, *words, TERM="dumb"))
