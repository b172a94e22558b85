"""Fingerprint every table of a database, to see whether two runs left the same tables."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 the driver's name for a class

# A partition's rows are counted with its parent.
_COLUMNS = """
    SELECT n.nspname || '.' || c.relname, array_remove(array_agg(a.attname::text ORDER BY a.attnum), NULL)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    GROUP BY n.nspname, c.relname
"""
# A sum does not depend on the order in which rows are stored.
_CONTENT = "SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text, 0)::numeric), 0) FROM {}"


@dataclass(frozen=True)
class TableState:
    """How many rows a table has, and a checksum of columns and rows that does not depend on the rows' order."""

    rows: int
    checksum: str


def snapshot(url: str, ignore: Collection[str] = ()) -> dict[str, TableState]:
    """Return "schema.table" -> state of every user table of the database at `url`, as of one moment.

    `ignore` names tables ("schema.table") and columns ("schema.table.column") to leave out.
    """
    with closing(psycopg2.connect(url)) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            cursor.execute(_COLUMNS)
            tables = {table: columns for table, columns in cursor.fetchall() if table not in ignore}
            return {
                table: _state(cursor, table, [name for name in columns if f"{table}.{name}" not in ignore])
                for table, columns in sorted(tables.items())
            }


def _state(cursor: Cursor, table: str, columns: list[str]) -> TableState:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    cursor.execute(sql.SQL(_CONTENT).format(names, sql.Identifier(*table.split(".", 1))))
    rows, total = cursor.fetchone() or (0, 0)
    return TableState(rows, hashlib.sha256(f"{columns} {total}".encode()).hexdigest())
