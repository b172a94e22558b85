"""What the `.env` of a project knows of settings: plain values. It stays behind, and so does each secret in it."""

from __future__ import annotations

import logging
import re
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from promotion.adopting.beside import folders_around
from promotion.adopting.source import Source
from promotion.gates.secret_values import shapes_in

logging.getLogger("dotenv").addHandler(logging.NullHandler())  # a line that says nothing is nobody's worry
# In doubt a value is left to a person: what is taken comes into git.
_MAY_BE_SECRET = re.compile(r"pass|pwd|secret|token|key|cred|auth|salt|dsn|conn", re.IGNORECASE)
_RANDOM = re.compile(r"(?=[A-Za-z+=]*\d)(?=[\d+=]*[A-Za-z])[A-Za-z0-9+=]{20,}")


def plain_values(source: Source) -> dict[str, str]:
    """Return the values that are no secrets, by variable. The project's own `.env` wins over one around it."""
    known: dict[str, str] = {}
    for folder in reversed([source.folder, *folders_around(source.folder)]):
        if (file := folder / ".env").is_file():
            known |= {name: value for name, value in _values(file).items() if _is_plain(name, value)}
    return known


def _values(file: Path) -> dict[str, str]:
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    return {name: value or "" for name, value in dotenv_values(stream=StringIO(text), interpolate=False).items()}


def _is_plain(name: str, value: str) -> bool:
    """Tell whether `value` is whole, without parts of other variables, and surely no secret."""
    may_be_secret = _MAY_BE_SECRET.search(name) or _RANDOM.search(value) or shapes_in(value)
    return bool(value) and "$" not in value and not may_be_secret
