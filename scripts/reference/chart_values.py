"""All values of the chart, from values.schema.json and values.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from reference.keys import Key, Schema, ValuesSchema
from reference.markdown import plain, table

CHART = "charts/mage"
HIDDEN = ("global",)
_MISSING = object()


def chart_values(root: Path) -> str:
    """Return a section for each first key, and one for each definition with a title."""
    chart = root / CHART
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
    """Tell whether the key is a map whose entries have keys that the chart defines."""
    return any("properties" in child.schema and not child.definition for child in schema.children(key))


def _rows(schema: ValuesSchema, keys: Sequence[Key], defaults: Any) -> Iterator[tuple[Key, Any]]:
    """Yield the rows: a parent without a default of its own is replaced by the keys below it."""
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
    told = f"{text}\n\n" if text else ""
    heads = ("key", "type", "default", "what it does")
    return f"### {title}\n\n{told}{table(heads, (_row(key, default) for key, default in rows))}"


def _row(key: Key, default: Any) -> tuple[str, ...]:
    return f"`{key.dotted}`", _type(key.schema), _shown(key, default), _linked(key)


def _linked(key: Key) -> str:
    title: str | None = key.schema.get("title")
    described = plain(key.schema["description"])
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
