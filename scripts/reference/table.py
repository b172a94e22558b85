"""All values of the chart as Markdown tables in its README.md, between two markers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from basics.errors import PromotionError
from reference.keys import Key, Schema, ValuesSchema

BEGIN = "<!-- made by `make chart-docs` from values.schema.json and values.yaml: begin -->"
END = "<!-- end -->"
HIDDEN = ("global",)
_MISSING = object()


def write(chart: Path) -> None:
    """Bring README.md of the chart up to date; raise `PromotionError` where the markers are missing."""
    readme = chart / "README.md"
    text = readme.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        problem = f"{readme} needs the line {BEGIN!r} and, after it, {END!r}, once each"
        raise PromotionError("no-markers", problem, fix="git checkout -- charts/mage/README.md")
    readme.write_text(with_reference(text, chart))


def with_reference(text: str, chart: Path) -> str:
    """Return the README's text with the tables that are due between the markers."""
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    return f"{head}{BEGIN}\n\n{reference(chart)}\n{END}{tail}"


def reference(chart: Path) -> str:
    """Return a section for each first key, and one for each definition with a title."""
    schema = ValuesSchema.load(chart)
    defaults = yaml.safe_load((chart / "values.yaml").read_text())
    top = [key for key in schema.top() if key.path[0] not in HIDDEN]
    groups = [key for key in top if "properties" in key.schema or _entries(schema, key)]
    sections = [_table("General", list(_rows(schema, [key for key in top if key not in groups], defaults)))]
    sections += [
        _table(f"`{key.dotted}`", list(_rows(schema, schema.children(key), defaults)), key.schema["description"])
        for key in groups
    ]
    sections += [
        _table(definition["title"], list(_rows(schema, schema.below(name), None)), definition["description"])
        for name, definition in schema.definitions.items()
        if "title" in definition
    ]
    return "\n".join(sections)


def _entries(schema: ValuesSchema, key: Key) -> bool:
    """Tell whether the key is a map whose entries have keys of the chart's."""
    return any("properties" in child.schema and not child.definition for child in schema.children(key))


def _rows(schema: ValuesSchema, keys: Sequence[Key], defaults: Any) -> Iterator[tuple[Key, Any]]:
    """Yield the rows: parents without a default of their own give way to what is below them."""
    for key in keys:
        inside = schema.children(key)
        default = _default(defaults, key)
        if key.definition and "title" in key.schema:
            yield key, default
        elif isinstance(default, Mapping) and default and "properties" in key.schema:
            yield from _rows(schema, inside, defaults)
        elif _entries(schema, key) and key.path[-1] != "NAME":
            yield key, default
            yield from _rows(schema, inside, defaults)
        elif key.path[-1] == "NAME":
            yield from _rows(schema, inside, None)
        else:
            yield key, default


def _default(defaults: Any, key: Key) -> Any:
    value = defaults
    for step in key.path:
        if not isinstance(value, Mapping) or step not in value:
            return _MISSING
        value = value[step]
    return value


def _table(title: str, rows: Sequence[tuple[Key, Any]], text: str = "") -> str:
    lines = [f"### {title}", ""]
    if text:
        lines += [text, ""]
    lines += ["| key | type | default | what it does |", "| --- | --- | --- | --- |"]
    lines += [_row(key, default) for key, default in rows]
    return "\n".join([*lines, ""])


def _row(key: Key, default: Any) -> str:
    cells = (f"`{key.dotted}`", _type(key.schema), _shown(key, default), _linked(key))
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _linked(key: Key) -> str:
    title: str | None = key.schema.get("title")
    described: str = key.schema["description"]
    return f"{described} See [{title.lower()}](#{title.lower().replace(' ', '-')})." if title else described


def _shown(key: Key, default: Any) -> str:
    if default is _MISSING:
        return "required" if key.required else ""
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def _type(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    name: str = schema["type"]
    kind = {"object": "map", "array": "list"}.get(name, name)
    at_least = schema.get("minimum", 0)
    return f"{kind} ≥ {at_least}" if at_least else kind
