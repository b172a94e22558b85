"""Point a project's io profiles at databases of a local server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from runtime.postgres import Server

_ENV_VAR = re.compile(r"""env_var\(\s*['"]([^'"]+)['"]""")
_PLACEHOLDER = "not-set-on-this-machine"


def bind_locally(
    io_config: str,
    settings: Mapping[str, str],
    secrets: Iterable[str],
    server: Server,
    databases: Mapping[str, str],
) -> dict[str, str]:
    """Return the environment variables that run a project against `server` instead of the real thing.

    `io_config` is the text of io_config.yaml; `databases` maps a profile of it to a database of `server`.
    The names that this profile reads with env_var() take the server's values, other `settings` stay as they
    are and other `secrets` get a placeholder. Raises `ValueError` when a profile cannot be bound.
    """
    profiles = yaml.safe_load(io_config) or {}
    bound: dict[str, str] = {}
    for profile, database in databases.items():
        for name, value in _login(profiles, profile, server, database).items():
            if bound.setdefault(name, value) != value:
                raise ValueError(
                    f"io_config.yaml: {name} would have to be {bound[name]!r} for one profile and {value!r} for "
                    f"profile {profile}: give every profile names of its own."
                )
    return dict.fromkeys(secrets, _PLACEHOLDER) | dict(settings) | bound


def _login(
    profiles: Mapping[str, Mapping[str, Any]], profile: str, server: Server, database: str
) -> dict[str, str]:
    """Return the environment variable of each POSTGRES_ key of `profile`, with its value."""
    if profile not in profiles:
        raise ValueError(f"io_config.yaml has no profile {profile}: add it, or bind another one.")
    values = {
        "POSTGRES_HOST": server.host,
        "POSTGRES_PORT": str(server.port),
        "POSTGRES_USER": server.user,
        "POSTGRES_PASSWORD": server.password,
        "POSTGRES_DBNAME": database,
    }
    return {_name(profiles[profile], profile, key): value for key, value in values.items()}


def _name(keys: Mapping[str, Any], profile: str, key: str) -> str:
    """Return the environment variable that `key` reads."""
    if found := _ENV_VAR.search(str(keys.get(key, ""))):
        return found[1]
    raise ValueError(
        f"io_config.yaml, profile {profile}: {key} is not read from the environment; "
        f"""write {key}: "{{{{ env_var('NAME') }}}}"."""
    )
