"""Values as the schema allows them, for hypothesis: a few keys drawn at once, to lay over a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from chart.engine import merged
from reference.keys import Key, Schema, ValuesSchema

# What people type: also what YAML and shells take for something else.
TEXT = st.one_of(
    st.sampled_from(
        ["yes", "null", "~", "1e3", "0x1", "a: b", "- a", "#a", "'", '"', "{{ .Values }}", "$HOME", "ü", "a\nb"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=20),
)
LARGEST = 10_000_000


def overlays(schema: ValuesSchema, skipped: set[tuple[str, ...]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return values for one to six keys of the chart."""
    keys = [key for key in schema.leaves() if key.path not in skipped]
    one = st.sampled_from(keys).flatmap(lambda key: _of_key(schema, key))
    return st.lists(one, min_size=1, max_size=6).map(merged)


def _of_key(schema: ValuesSchema, key: Key) -> st.SearchStrategy[dict[str, Any]]:
    return _values(schema, key.schema).map(lambda value: _nested(key.path, value))


def _nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    return {path[0]: _nested(path[1:], value) if path[1:] else value}


def _values(schema: ValuesSchema, part: Schema) -> st.SearchStrategy[Any]:
    """Return what `part` allows; only its examples, where Kubernetes alone knows what is allowed."""
    part = schema.resolved(part)
    if _left_to_kubernetes(schema, part):
        return st.sampled_from(part["examples"]) if "examples" in part else st.just({})
    if "enum" in part:
        return st.sampled_from(part["enum"])
    if "anyOf" in part:
        return st.one_of(*(_values(schema, option) for option in part["anyOf"]))
    return _of_type(schema, part)


def _of_type(schema: ValuesSchema, part: Schema) -> st.SearchStrategy[Any]:
    kind = part["type"]
    if kind == "boolean":
        return st.booleans()
    if kind in ("integer", "number"):
        return st.integers(part.get("minimum", 0), part.get("maximum", LARGEST))
    if kind == "string":
        return _texts(part)
    return _lists(schema, part) if kind == "array" else _maps(schema, part)


def _left_to_kubernetes(schema: ValuesSchema, part: Schema) -> bool:
    """Tell whether something in `part` has a form that the schema does not describe."""
    part = schema.resolved(part)
    if part.get("additionalProperties") is True:
        return True
    inner = [*part.get("properties", {}).values(), *part.get("anyOf", [])]
    inner += [part[key] for key in ("items", "additionalProperties") if isinstance(part.get(key), Mapping)]
    return any(_left_to_kubernetes(schema, option) for option in inner)


def _texts(part: Schema) -> st.SearchStrategy[str]:
    longest = part.get("maxLength", 60)
    found = TEXT
    if "pattern" in part:
        ascii_only = st.characters(min_codepoint=33, max_codepoint=126)
        found = st.from_regex(part["pattern"].removesuffix("$") + r"\Z", alphabet=ascii_only)
    return found.filter(lambda text: part.get("minLength", 0) <= len(text) <= longest)


def _lists(schema: ValuesSchema, part: Schema) -> st.SearchStrategy[list[Any]]:
    unique = repr if part.get("uniqueItems") else None
    return st.lists(_values(schema, part["items"]), max_size=3, unique_by=unique)


def _maps(schema: ValuesSchema, part: Schema) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" in part:
        named = {name: _values(schema, inner) for name, inner in part["properties"].items()}
        required = {name: named.pop(name) for name in part.get("required", [])}
        found = st.fixed_dictionaries(required, optional=named)
        return found.filter(lambda value: len(value) >= part.get("minProperties", 0))
    names = part.get("propertyNames", {"pattern": "^[a-z]{1,8}$"})
    return st.dictionaries(
        _texts({"type": "string", **names}), _values(schema, part["additionalProperties"]), max_size=3
    )
