"""The environment variables that `values.yaml` supplies to blocks: `io`, `postgres.databases` and `pod.env`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from basics.yaml_file import malformed, mapping

_PARTS = ("HOST", "PORT", "DATABASE", "USER", "PASSWORD")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_DATABASE = re.compile(r"[a-z][a-z0-9_]*")


class Connections(NamedTuple):
    """Where the values of environment variables come from."""

    settings: Mapping[str, str]
    secrets: Mapping[str, str]  # environment variable → `secret/key`
    databases: tuple[str, ...]  # in the chart's own PostgreSQL
    pod: frozenset[str]  # what `pod.env` gives to every pod


def read_connections(path: str, content: Mapping[str, Any]) -> Connections:
    """Read the connections of the values at `path`; raise `Malformed` at the first that cannot be supplied."""
    io = mapping(path, "io", content["io"])
    connections = Connections(
        _settings(path, io), _secrets(path, io), _databases(path, content), _of_pods(path, content)
    )
    _refuse_two_sources(path, connections)
    return connections


def variables_of(database: str) -> list[str]:
    """Return the environment variables that tell blocks how to reach a database of the chart's PostgreSQL."""
    return [f"{database.upper()}_{part}" for part in _PARTS]


def _settings(path: str, io: Mapping[str, Any]) -> dict[str, str]:
    settings = _by_variable(path, io, "settings")
    for name, value in settings.items():
        if not isinstance(value, str):
            raise malformed(path, f"io.settings.{name}", "is not text", "put the value in quotes")
    return settings


def _secrets(path: str, io: Mapping[str, Any]) -> dict[str, str]:
    shared = io.get("existingSecret") or ""
    if not isinstance(shared, str):
        raise malformed(path, "io.existingSecret", "is not text", "write the name of a Secret")
    return {name: _secret(path, name, value, shared) for name, value in _by_variable(path, io, "secrets").items()}


def _by_variable(path: str, io: Mapping[str, Any], kind: str) -> dict[str, Any]:
    entries = mapping(path, f"io.{kind}", io.get(kind))
    for name in entries:
        if not _VARIABLE.fullmatch(name):
            fix = "use letters, digits, `_`, `-` and `.`"
            raise malformed(path, f"io.{kind}.{name}", "is not a name for a variable", fix)
    return entries


def _secret(path: str, name: str, value: Any, shared: str) -> str:
    """Return `secret/key`; the default name is the `shared` Secret, the default key the name of the variable."""
    key = f"io.secrets.{name}"
    if not isinstance(value, dict) or not {"name", "key"}.issuperset(value):
        fix = "write `{name: SECRET, key: KEY}`: the value itself stays in the cluster"
        raise malformed(path, key, "is not a reference to a Secret", fix)
    reference = {"name": value.get("name") or shared, "key": value.get("key") or name}
    for part, text in reference.items():
        if not isinstance(text, str) or not text:
            fix = f"write `{part}:`" + (", or io.existingSecret for all without one" if part == "name" else "")
            raise malformed(path, f"{key}.{part}", "is missing, or not text", fix)
    return f"{reference['name']}/{reference['key']}"


def _databases(path: str, content: Mapping[str, Any]) -> tuple[str, ...]:
    postgres = mapping(path, "postgres", content.get("postgres"))
    names = postgres.get("databases") or []
    if not isinstance(names, list):
        raise malformed(path, "postgres.databases", "is not a list", "write e.g. `databases: [warehouse]`")
    for number, name in enumerate(names):
        key = f"postgres.databases[{number}]"
        if not isinstance(name, str) or not _DATABASE.fullmatch(name):
            raise malformed(path, key, f"{name!r} is not a valid name for a database", "use a-z, digits and `_`")
        if name in names[:number]:
            raise malformed(path, key, f"{name} is listed twice", "keep one of the two")
    if names and postgres.get("enabled") is False:
        fix = "remove them and supply their variables by io, or enable PostgreSQL"
        raise malformed(path, "postgres.databases", "need the PostgreSQL that postgres.enabled turns off", fix)
    return tuple(names)


def _of_pods(path: str, content: Mapping[str, Any]) -> frozenset[str]:
    pod = mapping(path, "pod", content.get("pod"))
    return frozenset(mapping(path, "pod.env", pod.get("env")))


def _refuse_two_sources(path: str, connections: Connections) -> None:
    sources = {"ENV": "env"}
    for database in connections.databases:
        sources |= dict.fromkeys(variables_of(database), f"postgres.databases ({database})")
    for key, names in (("io.settings", connections.settings), ("io.secrets", connections.secrets)):
        for name in names:
            if name in sources:
                raise malformed(path, f"{key}.{name}", f"{sources[name]} supplies it too", "keep one of the two")
            sources[name] = key
