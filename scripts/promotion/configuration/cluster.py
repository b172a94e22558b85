"""`cluster` of a policy: where an environment is installed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from basics.wording import near
from basics.yaml_file import malformed, mapping

_KEYS = ("context", "namespace", "previews")
_ADDRESS = re.compile(r"https?://\*\.[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


@dataclass(frozen=True)
class Place:
    """A context of kubectl, a namespace, and the address of previews; None: the policy does not say it."""

    context: str | None = None
    namespace: str | None = None
    previews: str | None = None  # with * for the preview's name


NOWHERE = Place()


def read_place(path: str, key: str, value: Any) -> Place:
    """Read `{context: NAME, namespace: NAME, previews: URL}`; raise `Malformed` for anything else."""
    place = mapping(path, key, value)
    for name, said in place.items():
        if name not in _KEYS:
            raise malformed(path, f"{key}.{name}", "is unknown", near(name, _KEYS))
        if not isinstance(said, str) or not said:
            raise malformed(path, f"{key}.{name}", f"{said!r} is not a name", f"write `{name}: NAME`")
    address = place.get("previews")
    if address is not None and not _ADDRESS.fullmatch(address):
        fix = "write e.g. `previews: https://*.previews.example.com`"
        raise malformed(path, f"{key}.previews", f"{address!r} is no address with * for the name", fix)
    return Place(**place)
