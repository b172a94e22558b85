"""The environments of a project that is brought in: those of the example, without what belongs to the example."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from basics.yaml_text import section

_KEY = re.compile(r"(\w+):")
_IO = "# The variables that the project reads: plain values, and secrets by name and key of a Secret.\n"
_SCHEDULES = "# When pipelines run. Intervals are UTC. The timeout (seconds) ends a run that takes longer.\n"


@dataclass(frozen=True)
class Supplied:
    """What an environment supplies: settings and Secrets by variable, schedules by name."""

    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # name of the Secret, key in it
    schedules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def values_for(text: str, supplied: Supplied) -> str:
    """Return `text`, the values.yaml of an environment, for another project, which gets what is `supplied`.

    Sizes, the executor and everything else about the environment itself stay as they are, comments included.
    """
    parts = dict(_parts(text))
    parts["io"] = f"\n{_IO}io:\n{section({'settings': dict(supplied.settings)}, 1)}{_secrets(supplied)}"
    parts["schedules"] = f"\n{_SCHEDULES}{section({'schedules': dict(supplied.schedules)})}"
    for key, name in (("postgres", "databases"), ("test", "pipeline")):
        empty = "[]" if name == "databases" else '""'
        parts[key] = re.sub(rf"^(  {name}:).*$", rf"\1 {empty}", parts.get(key, ""), flags=re.MULTILINE)
    return "".join(parts.values())


def _secrets(supplied: Supplied) -> str:
    """Return the key `secrets`, with one line for each variable: their names need no quotes."""
    if not supplied.secrets:
        return "  secrets: {}\n"
    lines = (f"    {name}: {{name: {secret}, key: {key}}}\n" for name, (secret, key) in supplied.secrets.items())
    return f"  secrets:\n{''.join(lines)}"


def _parts(text: str) -> list[tuple[str, str]]:
    """Split values into the keys at the top, each with its text and the comment above it."""
    parts: list[tuple[str, str]] = []
    above = ""
    for line in text.splitlines(keepends=True):
        if key := _KEY.match(line):
            parts.append((key[1], above + line))
            above = ""
        elif line.startswith(" ") and parts and not above:
            parts[-1] = (parts[-1][0], parts[-1][1] + line)
        else:
            above += line
    return parts
