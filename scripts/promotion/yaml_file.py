"""YAML that people write, parsed so that every surprise in it is a finding with its place."""

from __future__ import annotations

from typing import Any

import yaml

from promotion.errors import Finding, Malformed


def load_mapping(path: str, text: str) -> dict[str, Any]:
    """Parse a YAML file that must hold keys and values; raise `Malformed` with file and line where it does not."""
    return mapping(path, "", _load(path, text))


def mapping(path: str, key: str, value: Any) -> dict[str, Any]:
    """Return `value`, found under `key` of `path`, as a mapping with text keys; nothing is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise malformed(path, key, f"is a {type(value).__name__}", "write keys and values")
    for name in value:
        if not isinstance(name, str):
            raise malformed(path, key, f"the key {name!r} is not text", "put it in quotes")
    return value


def malformed(path: str, key: str, problem: str, fix: str) -> Malformed:
    """Say what is wrong with `key` of `path`; an empty key is the whole file."""
    return Malformed(Finding(path, None, "malformed-key", f"{key}: {problem}" if key else problem, fix))


def _load(path: str, text: str) -> Any:
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (the safe loader, in C)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date like 2013-13-45
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        line = mark.line + 1 if mark else None
        raise Malformed(
            Finding(path, line, "malformed-yaml", f"this is not YAML: {problem}", "fix the line")
        ) from error
