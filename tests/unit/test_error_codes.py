"""The register of error codes says neither more nor less than what scripts/ raises, and each code has its test."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from basics.error_codes import error_codes
from helpers import SCRIPTS
from unit.codes_in_source import Given, codes_below

TESTS = Path(__file__).resolve().parents[1]
REGISTER = error_codes()
# A smoke test on kind hands on what it did not raise itself as no verdict.
HANDED_ON = 6


@pytest.fixture(scope="module")
def codes() -> set[Given]:
    """What scripts/ gives."""
    return codes_below(SCRIPTS)


def test_every_code_that_is_raised_is_in_the_register_and_no_other(codes: set[Given]) -> None:
    raised = {given.code for given in codes}
    assert raised - REGISTER.keys() == set(), "give it an entry in scripts/basics/error_codes.yaml"
    assert REGISTER.keys() - raised == set(), "nothing has this code: remove its entry"


def test_every_code_is_registered_with_its_exit_codes(codes: set[Given]) -> None:
    exit_codes = defaultdict(set)
    for given in codes:
        exit_codes[given.code].add(given.exit_code)
    for code, entry in REGISTER.items():
        registered = {*entry.exit_codes, *([None] if entry.finding else [])}
        if 1 in registered:
            registered.discard(HANDED_ON)
            exit_codes[code].discard(HANDED_ON)
        assert registered == exit_codes[code], code


def test_every_entry_is_two_sentences_in_the_order_of_the_alphabet() -> None:
    assert list(REGISTER) == sorted(REGISTER)
    for entry in REGISTER.values():
        for sentence in (entry.meaning, entry.mend):
            assert sentence.endswith("."), entry.code
            assert "|" not in sentence, entry.code  # it is a cell in Markdown
            assert not re.search(r"[.!?] [A-Z]", sentence), entry.code


def texts_in_tests() -> Iterator[str]:
    """Yield every text in the other tests."""
    for path in TESTS.rglob("*.py"):
        if path != Path(__file__):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_every_code_is_named_by_a_test() -> None:
    named = "\n".join(f"[{text}]" for text in texts_in_tests())
    assert {code for code in REGISTER if f"[{code}]" not in named} == set(), "write a test that comes to it"


@pytest.mark.parametrize(
    ("source", "given"),
    [
        ("def check(): raise Conflict('lost', 'x')", {("lost", 5)}),
        ("def check(): yield errors.Finding('a', 1, 'odd', 'x', 'y')", {("odd", None)}),
        ("def check(): no = NotYet if x else Conflict; raise no('late', 'x')", {("late", 4), ("late", 5)}),
        ("def no(x, code): return Conflict(code, x)\ndef check(): raise no('x', 'lost')", {("lost", 5)}),
        ("class Gone(Conflict):\n def __init__(self): super().__init__('gone', 'x')", {("gone", 5)}),
        ("def check(): raise Conflict(error.code, 'x')", set()),
    ],
)
def test_a_code_is_found_where_it_is_given(
    tmp_path: Path, source: str, given: set[tuple[str, int | None]]
) -> None:
    for name, text in (("errors.py", (SCRIPTS / "basics" / "errors.py").read_text()), ("new.py", source)):
        (tmp_path / name).write_text(text)
    new = {(each.code, each.exit_code) for each in codes_below(tmp_path) if each.place.startswith("new.py:")}
    assert new == given


def test_a_code_that_is_computed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text("def check(): yield Finding('a', 1, f'odd-{x}', 'x', 'y')")
    with pytest.raises(ValueError, match=r"new\.py:1: write the code itself"):
        codes_below(tmp_path)
