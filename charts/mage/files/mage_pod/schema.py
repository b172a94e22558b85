"""The revision of Mage's schema in the database, and the revision that this image needs; Mage is not imported."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 it is a class

from mage_pod import database

# MAGE.md: migrations
_REVISION = re.compile(r"^revision\b[^=]*=\s*['\"](\w+)['\"]", re.MULTILINE)
_PARENTS = re.compile(r"^down_revision\b[^=]*=(.*)$", re.MULTILINE)


def known() -> frozenset[str]:
    """Return every revision that this image's Mage has a migration to."""
    return frozenset(_parents())


def head() -> str:
    """Return the revision that this image's Mage works with."""
    parents = _parents()
    (last,) = parents.keys() - {parent for above in parents.values() for parent in above}
    return last


@contextmanager
def connected(environ: Mapping[str, str], seconds: float = 10) -> Iterator[Connection]:
    """Connect to Mage's database within `seconds` (2 or more), every statement a transaction of its own.

    Raises `psycopg2.Error` or `DatabaseSettingsError`.
    """
    with closing(psycopg2.connect(database.driver_url(environ), connect_timeout=max(2, int(seconds)))) as it:
        it.autocommit = True
        yield it


def revision(connection: Connection) -> str | None:
    """Return the revision of the database's schema; None for a database that Mage has never used."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
        if cursor.fetchone() == (False,):
            return None
        cursor.execute("SELECT version_num FROM alembic_version")
        row = cursor.fetchone()
        return None if row is None else str(row[0])


def _parents() -> dict[str, list[str]]:
    """Return each revision with those that it follows."""
    found = {}
    for file in _migrations().glob("*.py"):
        text = file.read_text()
        if (name := _REVISION.search(text)) and (above := _PARENTS.search(text)):
            found[name[1]] = re.findall(r"['\"](\w+)['\"]", above[1])
    return found


def _migrations() -> Path:
    spec = importlib.util.find_spec("mage_ai")  # finds it without importing it
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("mage_ai is not installed in this image")
    return Path(spec.origin).parent / "orchestration" / "db" / "migrations" / "versions"
