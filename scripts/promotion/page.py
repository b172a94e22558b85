"""The status page: one self-contained HTML file, readable on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from promotion.git import MAIN
from promotion.markup import Markup, element, join
from promotion.matrix import Cell, Column, Matrix
from promotion.release import Hold, Release
from promotion.report import age, short

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
        *_holds(environments),
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

    The roles keep it a table for screen readers where the style sheet lays it out as something else.
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
    """Return a short label; `kind` (good, warn, bad, quiet) colours what the text already says."""
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
    if not column.releases:
        nothing = element("p", "no release yet", class_="now")
        note = f"promoted from {column.source}" if column.source else "its configuration on main is not usable"
        return element("li", name, nothing, element("p", note, class_="note"))
    current = column.releases[0]
    return element(
        "li",
        name,
        element("p", f"release {current.number}", class_="now"),
        element("p", f"{age(current.at, now)} ago, from {current.source}", class_="note"),
        element("p", *_condition(matrix, column), class_="badges"),
    )


def _condition(matrix: Matrix, column: Column) -> list[Markup]:
    """Return what somebody should know about an environment before they promote to it."""
    behind = sum(matrix.is_behind(column, pipeline) for pipeline in matrix.pipelines)
    labels = []
    if behind:
        labels.append(badge(f"{behind} differ{'s' if behind == 1 else ''} from {column.source}", "warn"))
    if column.configuration_ahead:
        labels.append(badge("another configuration on main", "warn"))
    if column.source is None:
        labels.append(badge("configuration on main is not usable", "bad"))
    if matrix.platform_is_behind(column):
        labels.append(badge(f"platform differs from {column.source}", "warn"))
    if column.holds:
        labels.append(badge(f"{len(column.holds)} on hold", "bad"))
    return labels or [badge(f"same as {column.source}", "good")]


# Holds


def _holds(columns: Sequence[Column]) -> list[Markup]:
    items = [_hold(column, hold) for column in columns for hold in column.holds]
    if not items:
        return []
    title = element("h2", "On hold")
    note = "Rolled back, and not promoted again without --release-hold and a reason."
    return [element("section", title, element("p", note), element("ul", *items), class_="holds")]


def _hold(column: Column, hold: Hold) -> Markup:
    what = (element("strong", f"{column.name}: {hold.pipeline}"), " ", _digest(hold.digest))
    return element("li", *what, f" of release {hold.release}: {hold.reason}")


def _digest(digest: str) -> Markup:
    return element("code", short(digest), title=digest)


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
    if not column.releases:
        return join([title, element("p", "No release yet.", class_="note")])
    header = ["Release", "When", "What", "From", "By", "Reason"]
    rows = [_release(release, now) for release in column.releases]
    return join([title, table(f"Releases of {column.name}, newest first", header, rows, "history")])


def _release(release: Release, now: datetime) -> list[str]:
    when = join([_moment(release.at), element("span", f"{age(release.at, now)} ago", class_="note")])
    return [str(release.number), when, _what(release), str(release.source), release.by, release.reason or "—"]


def _what(release: Release) -> Markup:
    new = [name for name, entry in release.pipelines.items() if entry.since == release.number]
    kind = badge(release.action, "bad" if release.action == "rollback" else "quiet")
    return join([kind, " ", ", ".join(new) or "nothing new"])
