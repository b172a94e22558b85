"""Check that the values of a record have the types that its dataclasses declare: people edit YAML by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from types import NoneType
from typing import Any

_TYPES: Mapping[str, Any] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "date": date,
    "datetime": datetime,
    "str | None": (str, NoneType),
    "int | None": (int, NoneType),
}


def refuse_other_types(record: object) -> None:
    """Raise `TypeError` for the first value in the dataclass `record` that has another type than its field."""
    for field in fields(record):  # type: ignore[arg-type]
        content, declared = getattr(record, field.name), str(field.type)
        expected = _TYPES.get(declared, str if "[str" in declared else object)
        for value in _values(content, declared):
            if is_dataclass(value):
                refuse_other_types(value)
            elif not isinstance(value, expected):
                raise TypeError(f"{field.name} has {value!r}, which is not of type {declared}")


def _values(content: Any, declared: str) -> Iterable[Any]:
    """Return the values of a field: those in a collection, or the field's own."""
    if declared.startswith("Mapping"):
        return [*content, *dict(content).values()]  # raises if it is not a mapping
    return content if declared.startswith("tuple") else [content]
