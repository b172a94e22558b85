"""What the clusters run, as lines of text and as a section of the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from promotion.cluster.details import Details, Deviation
from promotion.showing.markup import Markup, element
from promotion.status.matrix import Column
from promotion.status.page import badge, section


def live_lines(found: Mapping[str, Details], columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Return for each environment that was asked what runs, what is wrong, and the next command."""
    lines = []
    for column in columns:
        if details := found.get(column.name):
            lines.append((f"LIVE {column.name}: {_told(details)}", "bold red" if _is_wrong(details) else "green"))
            lines += [(f"  {line}", style) for line, style in _lines(column.name, details)]
    return lines


def _lines(name: str, details: Details) -> Iterator[tuple[str, str]]:
    for problem in details.live.problems:
        yield problem, ""
    if details.live.problems:
        yield f"next: see Argo CD or Flux, or: scripts/deploy.py {name} --plan", "dim"
    for deviation in details.deviations:
        yield deviation.problem, ""
        yield f"next: {deviation.next}", "dim"
    for line in _others(details):
        yield line, "dim"


def live_sections(found: Mapping[str, Details]) -> list[Markup]:
    """Return the section about the clusters, or nothing where none was asked."""
    items = [_item(name, details) for name, details in found.items()]
    return [section("In the clusters", element("ul", *items))] if items else []


def _item(name: str, details: Details) -> Markup:
    verdict = ("not as it should be", "bad") if _is_wrong(details) else ("as the branch has it", "good")
    told = [
        *(element("li", problem) for problem in details.live.problems),
        *map(_deviation, details.deviations),
        *(element("li", line, class_="note") for line in _others(details)),
    ]
    below = element("ul", *told) if told else ""
    return element("li", element("strong", name), f" {_told(details)} ", badge(*verdict), below)


def _deviation(deviation: Deviation) -> Markup:
    return element("li", deviation.problem, element("div", f"next: {deviation.next}", class_="note"))


def _is_wrong(details: Details) -> bool:
    return bool(details.live.problems or details.deviations)


def _told(details: Details) -> str:
    live = details.live
    parts = [f"release {live.release} in {live.place}" if live.release else live.place]
    parts += [f"by {details.agent}"] if details.agent else []
    parts += [f"image {', '.join(details.images)}"] if details.images else []
    return ", ".join(parts)


def _others(details: Details) -> Iterator[str]:
    """Yield what is in order, and what could not be read."""
    yield from (str(run) for run in details.first_runs if run.state != "failed")
    yield from (f"not known: {line}" for line in details.unknown)
