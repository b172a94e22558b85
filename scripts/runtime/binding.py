"""Point a project's io profiles at databases of a local server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from runtime.postgres import Server
from runtime.source_data import DATABASE as SOURCE

_ENV_VAR = re.compile(r"""env_var\(\s*['"]([^'"]+)['"]""")
_PLACEHOLDER = "not-set-on-this-machine"

# Jinja makes YAML of it before Mage reads it; before that it is none.
_UNQUOTED = re.compile(r"(:[ \t]+)(\{\{.*?\}\})[ \t]*$", re.MULTILINE)


class BindingError(ValueError):
    """A profile would reach the real database from this machine; the message names it and the fix."""


def bind_locally(
    io_config: str, settings: Mapping[str, str], unknown: Iterable[str], server: Server, warehouse: str
) -> dict[str, str]:
    """Return the environment variables that run a project against `server` instead of the real thing.

    `io_config` is the text of io_config.yaml. Its PostgreSQL profiles are bound to the database `warehouse`, the
    one named `source` to the source data: the names that they read with env_var() take the server's values.
    Other `settings` stay as they are; other names of `unknown`, whose values are in the cluster alone, get a
    placeholder. Raises `BindingError` when a profile names its database in another way.
    """
    profiles = yaml.safe_load(_UNQUOTED.sub(_quoted, io_config)) or {}
    bound: dict[str, str] = {}
    for profile, keys in profiles.items():
        if "POSTGRES_HOST" not in (keys or {}):
            continue
        database = SOURCE if profile == "source" else warehouse
        for name, value in _login(keys, profile, server, database).items():
            if bound.setdefault(name, value) != value:
                raise BindingError(
                    f"io_config.yaml: {name} would have to be {bound[name]!r} for one profile and {value!r} for "
                    f"profile {profile}: give every profile names of its own."
                )
    return dict.fromkeys(unknown, _PLACEHOLDER) | dict(settings) | bound


def _quoted(expression: re.Match[str]) -> str:
    return expression[1] + json.dumps(expression[2])


def _login(keys: Mapping[str, Any], profile: str, server: Server, database: str) -> dict[str, str]:
    """Return the environment variable of each POSTGRES_ key of `profile`, with its value."""
    values = {
        "POSTGRES_HOST": server.host,
        "POSTGRES_PORT": str(server.port),
        "POSTGRES_USER": server.user,
        "POSTGRES_PASSWORD": server.password,
        "POSTGRES_DBNAME": database,
    }
    return {_name(keys, profile, key): value for key, value in values.items()}


def _name(keys: Mapping[str, Any], profile: str, key: str) -> str:
    """Return the environment variable that `key` reads."""
    if found := _ENV_VAR.search(str(keys.get(key, ""))):
        return found[1]
    raise BindingError(
        f"io_config.yaml, profile {profile}: {key} is not read from the environment; "
        f"""write {key}: "{{{{ env_var('NAME') }}}}"."""
    )
