"""IANA time zones: for the times that people read."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from basics.wording import nearest
from basics.yaml_file import malformed


def zone_of(name: str) -> tzinfo:
    """Return the zone `name`, which must exist."""
    from zoneinfo import ZoneInfo  # loaded only when a time is shown

    return ZoneInfo(name)


def read_zone(path: str, key: str, value: Any) -> str:
    """Return the name of a zone, the value of `key` in `path`; raise `Malformed` where there is no such zone."""
    if not isinstance(value, str):
        problem = "is missing" if value is None else f"{value!r} is not a name"
        raise malformed(path, key, problem, "name an IANA time zone, for example Europe/Berlin")
    try:
        zone_of(value)
    except (LookupError, ValueError, OSError) as error:  # no such file, a path, a folder of zones
        raise malformed(path, key, f"{value!r} is not an IANA time zone", _near(value)) from error
    return value


def _near(zone: str) -> str:
    from zoneinfo import available_timezones

    near = nearest(zone.title().replace(" ", "_"), available_timezones(), likeness=0.5)
    return f"did you mean {' or '.join(near)}?" if near else "write it like Europe/Berlin"
