"""The keys of a chart, from its values.schema.json, which names all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]
NAME = "NAME"  # stands for the user's own keys of a map


@dataclass(frozen=True)
class Key:
    """One key; `schema` is its schema, with that of its definition merged in."""

    path: tuple[str, ...]
    schema: Schema
    definition: str | None  # the name in $defs
    required: bool = False

    @property
    def dotted(self) -> str:
        """The key as it is written after `--set`."""
        return ".".join(self.path)


@dataclass(frozen=True)
class ValuesSchema:
    """A schema, and ways to list its keys."""

    root: Schema

    @classmethod
    def load(cls, chart: Path) -> ValuesSchema:
        """Read the chart's values.schema.json."""
        return cls(json.loads((chart / "values.schema.json").read_text()))

    @property
    def definitions(self) -> Mapping[str, Schema]:
        """The definitions, each of which several keys can share."""
        definitions: Mapping[str, Schema] = self.root["$defs"]
        return definitions

    def resolved(self, schema: Schema) -> Schema:
        """Return the schema merged with the definition that it refers to; its own entries win."""
        if "$ref" not in schema:
            return schema
        return {**self.definitions[self._definition(schema)], **schema}

    def children(self, key: Key) -> list[Key]:
        """Return the keys below `key`; a map with the user's own keys has one, called NAME."""
        required = key.schema.get("required", [])
        named = [
            self._key((*key.path, name), schema, name in required)
            for name, schema in key.schema.get("properties", {}).items()
        ]
        more = key.schema.get("additionalProperties")
        return named if not isinstance(more, Mapping) else [*named, self._key((*key.path, NAME), more)]

    def top(self) -> list[Key]:
        """Return the first keys."""
        return self.children(Key((), self.root, None))

    def below(self, definition: str) -> list[Key]:
        """Return the keys of a definition."""
        return self.children(Key((), self.definitions[definition], definition))

    def walk(self, keys: list[Key] | None = None) -> Iterator[Key]:
        """Yield every key with a name of its own, parents first."""
        for key in self.top() if keys is None else keys:
            yield key
            yield from self.walk([child for child in self.children(key) if child.path[-1] != NAME])

    def leaves(self) -> Iterator[Key]:
        """Yield the keys that are set as a whole: the chart defines no keys below them, or gives examples."""
        yield from self._leaves(self.top())

    def _leaves(self, keys: list[Key]) -> Iterator[Key]:
        for key in keys:
            if "examples" in key.schema or "properties" not in key.schema:
                yield key
            else:
                yield from self._leaves(self.children(key))

    def _key(self, path: tuple[str, ...], schema: Schema, required: bool = False) -> Key:
        definition = self._definition(schema) if "$ref" in schema else None
        return Key(path, self.resolved(schema), definition, required)

    @staticmethod
    def _definition(schema: Schema) -> str:
        name: str = schema["$ref"].removeprefix("#/$defs/")
        return name
