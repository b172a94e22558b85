"""The status page: one self-contained HTML file, readable on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from basics.wording import age, short
from promotion.configuration.policy import StandingHold
from promotion.gates.emergency import told
from promotion.record.evidence_record import Failed
from promotion.record.release import Entry, Hold
from promotion.repository.git import MAIN
from promotion.showing.markup import Markup, element, join
from promotion.status.matrix import Cell, Column, Matrix

_STYLE = Path(__file__).with_name("page.css")
_SKELETON = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Pipelines by environment</title>
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def page(matrix: Matrix, now: datetime, extra: Sequence[Markup] = ()) -> str:
    """Return the page; `extra` are sections (see `section`) to show below the matrix."""
    environments = [column for column in matrix.columns if column.name != MAIN]
    parts = [
        _header(now),
        element("ol", *(_card(matrix, column, now) for column in matrix.columns), class_="chain"),
        *_emergencies(environments),
        *_holds(environments),
        *_backfills(environments),
        section("What runs where", _matrix(matrix, now), _LEGEND),
        *extra,
        section("Releases", *(_history(column, now) for column in environments)),
    ]
    return _SKELETON.format(style=_STYLE.read_text(encoding="utf-8"), body="\n".join(parts))


def section(title: str, *children: Markup) -> Markup:
    """Return a part of the page with a heading."""
    return element("section", element("h2", title), *children)


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], class_: str) -> Markup:
    """Return a table whose first column names the row; on a phone each row becomes a card.

    The roles keep it a table for screen readers, even where the style sheet makes cards.
    """
    heads = (element("th", text, scope="col", role="columnheader") for text in header)
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *heads, role="row"), role="rowgroup"),
        element("tbody", *(_row(header, row) for row in rows), role="rowgroup"),
        class_=class_,
        role="table",
    )


def _row(header: Sequence[str], row: Sequence[str]) -> Markup:
    cells = (
        element("td", element("div", text), data_label=label, role="cell")
        for label, text in zip(header[1:], row[1:], strict=True)
    )
    return element("tr", element("th", row[0], scope="row", role="rowheader"), *cells, role="row")


def badge(text: str, kind: str) -> Markup:
    """Return a short label; `kind` (good, warn, bad, quiet) sets the colour, the text says the same."""
    return element("span", text, class_=f"badge {kind}")


_LEGEND = element(
    "p",
    "A digest stands for every file that a pipeline needs: two environments run the same pipeline exactly when "
    "the digests are equal. Proven: a smoke test ran it on this environment's release.",
    class_="note",
)


def _header(now: datetime) -> Markup:
    return element(
        "header",
        element("h1", "Pipelines by environment"),
        element("p", "As of ", _moment(now), class_="note"),
    )


def _moment(moment: datetime) -> Markup:
    return element("time", f"{moment:%Y-%m-%d %H:%M} UTC", datetime=moment.isoformat(timespec="seconds"))


# The chain: one card per environment


def _card(matrix: Matrix, column: Column, now: datetime) -> Markup:
    name = element("h3", column.name)
    if column.name == MAIN:
        count = element("p", f"{len(column.cells)} pipelines", class_="now")
        return element("li", name, count, element("p", "what people edit", class_="note"))
    current = column.current
    if current is None:
        nothing = element("p", "no release yet", class_="now")
        note = f"promoted from {column.source}" if column.source else "its configuration on main is not usable"
        return element("li", name, nothing, element("p", note, class_="note"))
    return element(
        "li",
        name,
        element("p", f"release {current.number}", class_="now"),
        element("p", f"{age(current.at, now)} ago, from {current.source}", class_="note"),
        element("p", *_condition(matrix, column, now), class_="badges"),
    )


def _condition(matrix: Matrix, column: Column, now: datetime) -> list[Markup]:
    """Return what a promoter should know about an environment."""
    behind = sum(matrix.is_behind(column, pipeline) for pipeline in matrix.pipelines)
    labels = []
    if behind:
        labels.append(badge(f"{behind} differ{'s' if behind == 1 else ''} from {column.source}", "warn"))
    if column.configuration_ahead:
        labels.append(badge("configuration differs from main", "warn"))
    if column.source is None:
        labels.append(badge("configuration on main is not usable", "bad"))
    if matrix.platform_is_behind(column):
        labels.append(badge(f"platform differs from {column.source}", "warn"))
    if column.emergencies:
        labels.append(badge("emergency, not ratified", "bad"))
    if column.backfills:
        labels.append(badge(f"{len(column.backfills)} to backfill", "warn"))
    if freeze := column.freeze(now):
        labels.append(badge(f"frozen {freeze}", "warn"))
    if held := len(column.holds) + len(column.failed) + len(column.standing_holds):
        labels.append(badge(f"{held} on hold", "bad"))
    return labels or [badge(f"same as {column.source}", "good")]


def _items(columns: Sequence[Column], lines: Callable[[Column], Iterable[str]]) -> list[Markup]:
    """Return the `lines` of all environments as list items."""
    return [
        element("li", element("strong", column.name), f" {line}") for column in columns for line in lines(column)
    ]


# Emergencies


def _emergencies(columns: Sequence[Column]) -> list[Markup]:
    items = _items(columns, lambda column: map(told, column.emergencies))
    if not items:
        return []
    note = "These releases skipped checks, and are not ratified: scripts/promote.py ratify ENV --reason TEXT."
    return [
        element("section", element("h2", "Emergency"), element("p", note), element("ul", *items), class_="holds")
    ]


# Holds


def _holds(columns: Sequence[Column]) -> list[Markup]:
    items = [_hold(column, hold) for column in columns for hold in column.holds]
    items += [_failed(column, entry) for column in columns for entry in column.failed]
    items += [_standing_hold(column, hold) for column in columns for hold in column.standing_holds]
    if not items:
        return []
    title = element("h2", "On hold")
    note = (
        "A digest that was rolled back, or that failed where it runs, is not promoted without --release-hold "
        "and a reason; "
        "a hold in the policy stays until its entry is removed on main."
    )
    return [element("section", title, element("p", note), element("ul", *items), class_="holds")]


def _hold(column: Column, hold: Hold) -> Markup:
    what = (element("strong", f"{column.name}: {hold.pipeline}"), " ", _digest(hold.digest))
    return element("li", *what, f" of release {hold.release}: {hold.reason}")


def _failed(column: Column, entry: Failed) -> Markup:
    what = (element("strong", f"{column.name}: {entry.pipeline}"), " ", _digest(entry.digest))
    return element("li", *what, f" goes no further: {entry.reason}")


def _standing_hold(column: Column, hold: StandingHold) -> Markup:
    what = element("strong", f"{column.name}: {hold.pipeline or 'all of it'}")
    return element("li", what, f", by its policy: {hold.reason}")


def _digest(digest: str) -> Markup:
    return element("code", short(digest), title=digest)


# Backfills


def _backfills(columns: Sequence[Column]) -> list[Markup]:
    items = _items(columns, lambda column: map(str, column.backfills))
    if not items:
        return []
    note = (
        "An older version wrote the data of these days. When they are backfilled, or need no backfill: "
        "scripts/promote.py backfill ENV -p NAME --done, or --waive --reason TEXT."
    )
    return [section("To backfill", element("p", note, class_="note"), element("ul", *items))]


# The matrix


def _matrix(matrix: Matrix, now: datetime) -> Markup:
    header = ["Pipeline", *(column.name for column in matrix.columns)]
    rows = [[name, *(_cell(matrix, column, name, now) for column in matrix.columns)] for name in matrix.pipelines]
    return table("Each pipeline's digest in each environment", header, rows, "matrix")


def _cell(matrix: Matrix, column: Column, pipeline: str, now: datetime) -> Markup:
    cell = column.cells.get(pipeline)
    return join(
        [element("div", *_version(cell, now), class_="version"), *_remarks(matrix, column, pipeline, cell)]
    )


def _version(cell: Cell | None, now: datetime) -> list[Markup]:
    if cell is None:
        return [element("span", "not there", class_="note")]
    if cell.release is None:
        return [_digest(cell.digest)]
    since = f"release {cell.release}" + (f", {age(cell.since, now)} ago" if cell.since else "")
    return [_digest(cell.digest), element("span", since, class_="note")]


def _remarks(matrix: Matrix, column: Column, pipeline: str, cell: Cell | None) -> list[Markup]:
    labels = []
    if cell and cell.verified:
        labels.append(badge("✓ proven", "good"))
    elif cell and column.source:
        labels.append(badge("not proven", "quiet"))
    if matrix.is_behind(column, pipeline):
        labels.append(badge(f"≠ {column.source}", "warn"))
    labels += [badge(f"hold on {short(hold.digest)}", "bad") for hold in column.holds if hold.pipeline == pipeline]
    return [element("div", *labels, class_="badges")] if labels else []


# The releases


def _history(column: Column, now: datetime) -> Markup:
    title = element("h3", column.name)
    if not column.history:
        return join([title, element("p", "No release yet.", class_="note")])
    header = ["Release", "When", "What", "From", "By", "Reason"]
    rows = [_entry(entry, now) for entry in column.history]
    return join([title, table(f"Releases of {column.name}, newest first", header, rows, "history")])


def _entry(entry: Entry, now: datetime) -> list[str]:
    when = join([_moment(entry.at), element("span", f"{age(entry.at, now)} ago", class_="note")])
    return [str(entry.number), when, _what(entry), str(entry.source), entry.by, entry.reason or "—"]


def _what(entry: Entry) -> Markup:
    kind = badge(entry.action, "bad" if entry.action == "rollback" else "quiet")
    return join([kind, " ", ", ".join(entry.arrived) or "nothing new"])
