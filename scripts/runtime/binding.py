"""Point a project's io profiles at databases of a local server."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import yaml

from runtime.postgres import Server
from runtime.source_data import DATABASE as SOURCE

_ENV_VAR = re.compile(r"""env_var\(\s*['"]([^'"]+)['"]""")
PLACEHOLDER = "not-set-on-this-machine"

# The file is YAML only after Jinja has rendered it, as Mage does before reading.
_UNQUOTED = re.compile(r"(:[ \t]+)(\{\{.*?\}\})[ \t]*$", re.MULTILINE)


class BindingError(ValueError):
    """A profile would reach the real database from this machine; the message names the profile and the fix."""


def bind_locally(
    io_config: str,
    opened: Collection[str],
    settings: Mapping[str, str],
    unknown: Iterable[str],
    server: Server,
    warehouse: str,
) -> dict[str, str]:
    """Return the environment variables that run a project against `server` instead of the real databases.

    Its PostgreSQL profiles are bound to the database `warehouse`, the one named `source` to the source data. Other
    `settings` are not changed; other names of `unknown`, whose values exist only in the cluster, get a
    placeholder. Raises what `bound` raises.
    """
    login = {
        "POSTGRES_HOST": server.host,
        "POSTGRES_PORT": str(server.port),
        "POSTGRES_USER": server.user,
        "POSTGRES_PASSWORD": server.password,
    }
    names = bound(io_config, opened, login | {"POSTGRES_DBNAME": warehouse}, login | {"POSTGRES_DBNAME": SOURCE})
    return dict.fromkeys(unknown, PLACEHOLDER) | dict(settings) | names


def bound(
    io_config: str, opened: Collection[str], warehouse: Mapping[str, str], source: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment variables by which `io_config`, the text of io_config.yaml, reads its databases.

    A PostgreSQL profile takes the values of `warehouse`, the one named `source` those of `source`; the keys of
    both are Mage's, POSTGRES_HOST and so on. Raises `BindingError` when one of the profiles `opened` names its
    database in another way; what nobody opens stays as it is then.
    """
    profiles = yaml.safe_load(_UNQUOTED.sub(_quoted, io_config)) or {}
    variables: dict[str, str] = {}
    for profile, keys in sorted(profiles.items(), key=lambda entry: entry[0] not in opened):
        if isinstance(keys, dict) and "POSTGRES_HOST" in keys:
            try:
                _bind(profile, keys, source if profile == "source" else warehouse, variables)
            except BindingError:
                if profile in opened:
                    raise
    return variables


def _bind(profile: str, keys: Mapping[str, Any], values: Mapping[str, str], variables: dict[str, str]) -> None:
    """Add to `variables` those by which `profile` takes `values`."""
    names = {key: _name(keys, profile, key) for key in values}
    for key, name in names.items():
        if variables.get(name, values[key]) != values[key]:
            raise BindingError(
                f"io_config.yaml: {name} would have to be {variables[name]!r} for one profile and {values[key]!r} "
                f"for profile {profile}: give every profile names of its own."
            )
    variables |= {name: values[key] for key, name in names.items()}


def _quoted(expression: re.Match[str]) -> str:
    return expression[1] + json.dumps(expression[2])


def _name(keys: Mapping[str, Any], profile: str, key: str) -> str:
    """Return the environment variable that `key` reads."""
    if found := _ENV_VAR.search(str(keys.get(key, ""))):
        return found[1]
    raise BindingError(
        f"io_config.yaml, profile {profile}: {key} is not read from the environment; "
        f"""write {key}: "{{{{ env_var('NAME') }}}}"."""
    )
