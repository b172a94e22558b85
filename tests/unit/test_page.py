"""The status page of a remote whose prod was rolled back."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from demonstration.chart import Carrier, delays_section
from helpers import PROJECT, call_script, promote, push, write
from unit.situations import Situations

REASON = 'totals are <b>wrong</b> & "late"'
VOID = ("meta",)


class Page(HTMLParser):
    """The text of a page as its reader sees it, and its tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.tables: list[list[list[str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Enter an element."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave an element: it has to be the one entered last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Read text."""
        if "style" in self.open:
            return
        self.text += data
        if {"th", "td"} & set(self.open):
            self.tables[-1][-1][-1] += f"{data} "

    def cell(self, row: str, column: str) -> str:
        """Return what the matrix says of the pipeline `row` in the environment `column`."""
        header, *rows = self.tables[0]
        cells = next(cells for cells in rows if cells[0].strip() == row)
        return cells[[head.strip() for head in header].index(column)]


def page_of(clone: Path) -> Page:
    """Return the page that status.py writes."""
    file = clone.parent / "a folder" / "status.html"
    result = call_script(clone, "status", "--html", str(file))
    assert result.exit_code == 0, result.stderr
    return Page(file.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def rolled_back(situations: Situations, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone: prod went back to release 1 of `orders` and `returns`, and main has a newer `stock`."""
    clone = situations.copy("promoted_to_prod", tmp_path_factory.mktemp("page") / "team")
    write(clone, {f"{PROJECT}/utils/money.py": "def rounded(amount):\n    return 0\n"})
    push(clone)
    for source, target in (("main", "dev"), ("dev", "staging"), ("staging", "prod")):
        promote(clone, source, target)
    assert call_script(clone, "rollback", "prod", "--reason", REASON, "--yes").exit_code == 0
    write(clone, {f"{PROJECT}/data_loaders/load_stock.py": "# newer\n"})
    push(clone)
    return clone


@pytest.fixture(scope="module")
def page(rolled_back: Path) -> Page:
    """Its page."""
    return page_of(rolled_back)


@pytest.fixture(scope="module")
def status(rolled_back: Path) -> dict[str, Any]:
    """What status.py says of each environment."""
    document = call_script(rolled_back, "status", "--json").document
    return {column["name"]: column for column in document["status"]["environments"]}


def test_every_pipeline_shows_its_digest_in_every_environment(page: Page, status: dict[str, Any]) -> None:
    for environment, column in status.items():
        for pipeline, cell in column["pipelines"].items():
            assert cell["digest"].removeprefix("sha256:")[:8] in page.cell(pipeline, environment)


def test_a_pipeline_that_differs_from_its_source_says_so(page: Page) -> None:
    assert "≠ staging" in page.cell("orders", "prod")
    assert "≠ main" in page.cell("stock", "dev")
    assert "≠" not in page.cell("orders", "staging")


def test_what_is_on_hold_shows_with_its_reason(page: Page, status: dict[str, Any]) -> None:
    held = {hold["pipeline"]: hold["digest"].removeprefix("sha256:")[:8] for hold in status["prod"]["holds"]}
    assert set(held) == {"orders", "returns"}
    for pipeline, digest in held.items():
        assert f"hold on {digest}" in page.cell(pipeline, "prod")
        assert f"prod: {pipeline} {digest} of release 2: {REASON}" in page.text


def test_what_is_to_be_backfilled_shows(page: Page, status: dict[str, Any]) -> None:
    assert "2 to backfill" in page.text
    for entry in status["prod"]["backfills"]:
        assert f"prod {entry['pipeline']}: {entry['start']} to {entry['end']}, for " in page.text
    assert [entry["pipeline"] for entry in status["prod"]["backfills"]] == ["orders", "returns"]


def test_every_release_shows_its_number_action_source_and_reason(page: Page) -> None:
    history = page.tables[-1]
    assert [row[0].strip() for row in history] == ["Release", "3", "2", "1"]
    assert "rollback" in history[1][2]
    assert "prod release 1" in history[1][3]
    assert history[1][5].strip() == REASON


def test_text_from_git_is_never_markup(page: Page) -> None:
    assert "b" not in {tag for tag, _ in page.tags}


def test_the_page_needs_nothing_but_itself(page: Page) -> None:
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?:|url\(|@import|\bsrc=", page.html)


def test_every_table_tells_a_screen_reader_what_is_what(page: Page) -> None:
    for tag in ("table", "caption", "thead"):
        assert sum(name == tag for name, _ in page.tags) == len(page.tables)
    assert all(attributes["scope"] in ("row", "col") for tag, attributes in page.tags if tag == "th")


def test_every_element_is_closed(page: Page) -> None:
    assert page.open == []


def test_an_environment_without_a_release_says_so(project: Path) -> None:
    page = page_of(project)
    assert page.text.count("no release yet") == 3
    assert "not there" in page.cell("orders", "dev")


def test_a_bar_begins_at_zero_and_its_length_is_the_delay() -> None:
    late = Carrier("AA", "Late <Air>", 10, 1, 30.0)
    early = Carrier("BB", "Early Air", 10, 0, -10.0)
    html = delays_section([early, late], "a week")
    assert "--from: 25.00%; --size: 75.00%; --zero: 25.00%" in html
    assert "--from: 0.00%; --size: 25.00%; --zero: 25.00%" in html
    assert html.index("Late &lt;Air&gt;") < html.index("Early Air")


def test_a_carrier_none_of_whose_flights_arrived_has_no_mean() -> None:
    html = delays_section([Carrier("CC", "Grounded", 3, 3, None)], "a week")
    assert "—" in html
    assert "100%" in html
