"""The keys of the JSON output, from docs/output.schema.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from reference.keys import NAME, Schema
from reference.markdown import plain, table

SCHEMA = "docs/output.schema.json"
_HEADS = ("key", "type", "what it holds")
_DEFINITIONS = "#/$defs/"


def output(root: Path) -> str:
    """Return a table of all keys, and one for each definition that has keys."""
    schema = json.loads((root / SCHEMA).read_text())
    parts = ["## The document", "", table(_HEADS, _rows(schema, schema))]
    for name, definition in schema["$defs"].items():
        if "properties" in definition:
            parts += [f"## {name}", "", *_told(definition), table(_HEADS, _rows(schema, definition))]
    return "\n".join(parts)


def _told(definition: Schema) -> list[str]:
    told = definition.get("description", "")
    return [f"{plain(told[:1].upper() + told[1:])}.", ""] if told else []


def _rows(schema: Schema, part: Schema, above: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the keys of `part`, parents first; the keys of a definition are in its own table."""
    for name, child in part.get("properties", {}).items():
        yield f"`{above}{name}`", _type(schema, child), plain(child.get("description", ""))
        yield from _rows(schema, child, f"{above}{name}.")
    for option in (*part.get("anyOf", ()), *part.get("oneOf", ())):
        yield from _rows(schema, option, above)
    if "items" in part:
        yield from _rows(schema, part["items"], f"{above.removesuffix('.')}[].")
    if isinstance(part.get("additionalProperties"), dict):
        yield from _rows(schema, part["additionalProperties"], f"{above}{NAME}.")


def _type(schema: Schema, part: Schema) -> str:
    """Return the type in words; a definition with keys of its own is a link to its table."""
    if "$ref" in part:
        name = part["$ref"].removeprefix(_DEFINITIONS)
        return f"[{name}](#{name})" if "properties" in schema["$defs"][name] else name
    for options in (part.get("anyOf"), part.get("oneOf")):
        if options:
            return " or ".join(_type(schema, option) for option in options)
    if "enum" in part:
        return ", ".join("null" if value is None else f"`{value}`" for value in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    kinds = part["type"] if isinstance(part["type"], list) else [part["type"]]
    return " or ".join(_kind(schema, part, kind) for kind in kinds)


def _kind(schema: Schema, part: Schema, kind: str) -> str:
    if kind == "array":
        return f"list of {_type(schema, part['items'])}" if "items" in part else "list"
    if kind == "object":
        more = part.get("additionalProperties")
        return f"map of {_type(schema, more)}" if isinstance(more, dict) else "map"
    return str(kind)
