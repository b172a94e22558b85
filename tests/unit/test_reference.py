"""The generated pages say what the code, the schemas and the chart say."""

from __future__ import annotations

import argparse
import re
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from basics.errors import PromotionError
from helpers import ROOT, record
from promotion.cli import verify
from promotion.configuration.policy import Policy
from reference.commands import commands, parsers
from reference.errors import REGISTER
from reference.output import SCHEMA, output
from reference.pages import PAGES, pages, write

VALUES = "charts/mage/values.yaml"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the pages and of what they are made from."""
    for name in (*PAGES, VALUES, "charts/mage/values.schema.json", SCHEMA, REGISTER):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def stale(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path, text in pages(root) if path.read_text() != text]


def test_every_page_is_up_to_date() -> None:
    assert stale(ROOT) == [], "run `make reference`, and read what changed"


@pytest.mark.parametrize(
    ("page", "source", "before", "after"),
    [
        ("charts/mage/README.md", VALUES, "drainSeconds: 600", "drainSeconds: 601"),
        ("docs/reference/errors.md", REGISTER, "cannot compile the file", "does not compile the file"),
        ("docs/reference/output.md", SCHEMA, '"format_version"', '"form_version"'),
    ],
)
def test_a_change_of_its_source_makes_a_page_stale(
    clone: Path, page: str, source: str, before: str, after: str
) -> None:
    text = (clone / source).read_text()
    assert before in text
    (clone / source).write_text(text.replace(before, after))
    assert stale(clone) == [page]
    write(clone)
    assert stale(clone) == []


def test_another_code_makes_the_schema_stale_too(clone: Path) -> None:
    register = clone / REGISTER
    register.write_text(register.read_text() + "zero:\n  meaning: Nought.\n  mend: None.\n  exit_codes: [1]\n")
    assert stale(clone) == ["docs/reference/errors.md", SCHEMA]
    write(clone)
    assert (
        '<a id="zero"></a>`zero` | exit code 1 | Nought. | None. |\n'
        in (clone / "docs/reference/errors.md").read_text()
    )
    assert '"wrong-source",\n        "zero"\n' in (clone / SCHEMA).read_text()


def test_another_help_makes_the_commands_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "__doc__", "Look at it again.")
    assert stale(ROOT) == ["docs/reference/commands.md"]


def test_every_option_of_every_command_is_told() -> None:
    told = commands(ROOT)
    for name, parser in parsers():
        section = told.split(f"## {name}\n")[1].split("\n## ")[0]
        for action in parser._actions:
            if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
                continue
            for word in action.option_strings or [str(action.metavar or action.dest)]:
                assert word in section, f"{name} {word}"
            assert action.help, f"{name} {action.dest} has no help"


def test_every_key_is_told() -> None:
    untold = [line for line in output(ROOT).splitlines() if line.endswith("|  |")]
    assert untold == [], "write a description into docs/output.schema.json"


def test_every_key_of_a_policy_is_told() -> None:
    page = (ROOT / "docs/reference/policy.md").read_text()
    assert [key.name for key in fields(Policy) if f"| `{key.name}` |" not in page] == []


def test_every_key_of_a_release_is_told(promoted_to_dev: Path) -> None:
    page = (ROOT / "docs/reference/release-yaml.md").read_text()
    release = record(promoted_to_dev, "dev")
    told = re.findall(r"`([\w.]+)`", page)
    assert [key for key in release if not any(f"{name}.".startswith(f"release.{key}.") for name in told)] == []


def test_what_is_written_by_hand_stays(clone: Path) -> None:
    page = clone / "charts/mage/README.md"
    page.write_text("# mage of ours\n" + page.read_text() + "\nLast words.\n")
    write(clone)
    assert page.read_text().startswith("# mage of ours\n")
    assert page.read_text().endswith("\nLast words.\n")


def test_without_markers_nothing_is_written(clone: Path) -> None:
    page = clone / "docs/reference/output.md"
    page.write_text("# mine\n")
    before = {name: (clone / name).read_text() for name in PAGES}
    (clone / VALUES).write_text((clone / VALUES).read_text().replace("drainSeconds: 600", "drainSeconds: 601"))
    with pytest.raises(PromotionError, match=r"output\.md") as refusal:
        write(clone)
    assert refusal.value.code == "no-markers"
    assert {name: (clone / name).read_text() for name in PAGES} == before
