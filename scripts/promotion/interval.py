"""When a schedule runs: one of Mage's words, or five cron fields, in UTC."""

from __future__ import annotations

import re

WORDS = ("@once", "@hourly", "@daily", "@weekly", "@monthly", "@always_on")

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
# What each cron field may hold: the smallest and the largest number, and the names that stand for numbers.
_FIELDS: tuple[tuple[int, int, list[str]], ...] = (
    (0, 59, []),
    (0, 23, []),
    (1, 31, []),
    (1, 12, _MONTHS),
    (0, 7, _DAYS),
)
_PART = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/([1-9]\d*))?")


def is_interval(text: str) -> bool:
    """Tell whether Mage can run a schedule at `text`."""
    fields = text.split()
    return text in WORDS or (
        len(fields) == len(_FIELDS)
        and all(_is_field(field, *allowed) for field, allowed in zip(fields, _FIELDS, strict=True))
    )


def _is_field(field: str, smallest: int, largest: int, names: list[str]) -> bool:
    parts = [_PART.fullmatch(part) for part in field.split(",")]
    if not all(parts):
        return False
    values = [value for part in parts if part for value in part.group(1, 2) if value]
    return all(
        value.lower() in names or (value.isdecimal() and smallest <= int(value) <= largest) for value in values
    )
