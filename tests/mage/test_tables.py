"""A snapshot changes when the content of a table does, and only then."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import psycopg2
import pytest

from runtime.postgres import Server
from runtime.tables import TableState, snapshot

Execute = Callable[[str], None]


@pytest.fixture
def url(server: Server, database: str) -> str:
    return server.url(database)


@pytest.fixture
def execute(url: str) -> Execute:
    def run(statements: str) -> None:
        with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statements)

    run('CREATE SCHEMA mart; CREATE TABLE mart."Été 1" (a int, b text); CREATE TABLE empty ()')
    run("""INSERT INTO mart."Été 1" VALUES (1, 'x'), (2, 'y'), (2, 'y')""")
    return run


def state(url: str) -> TableState:
    return snapshot(url)["mart.Été 1"]


def test_every_table_is_counted_by_schema_and_name(url: str, execute: Execute) -> None:
    assert {name: table.rows for name, table in snapshot(url).items()} == {"mart.Été 1": 3, "public.empty": 0}


def test_the_order_of_rows_does_not_matter(url: str, execute: Execute) -> None:
    before = state(url)
    execute("""DELETE FROM mart."Été 1" WHERE a = 1; INSERT INTO mart."Été 1" VALUES (1, 'x')""")
    assert state(url) == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE mart.\"Été 1\" SET b = 'z' WHERE a = 1",
        'UPDATE mart."Été 1" SET b = NULL WHERE a = 1',
        """DELETE FROM mart."Été 1" WHERE a = 2; INSERT INTO mart."Été 1" VALUES (1, 'x'), (1, 'x')""",
        'ALTER TABLE mart."Été 1" RENAME b TO c',
    ],
)
def test_a_change_of_content_changes_the_checksum(url: str, execute: Execute, change: str) -> None:
    before = state(url)
    execute(change)
    assert state(url).checksum != before.checksum


def test_an_ignored_column_may_change(url: str, execute: Execute) -> None:
    before = snapshot(url, ignore=["mart.Été 1.b"])
    execute("UPDATE mart.\"Été 1\" SET b = 'z'")
    assert snapshot(url, ignore=["mart.Été 1.b"]) == before


def test_an_ignored_table_is_left_out(url: str, execute: Execute) -> None:
    assert set(snapshot(url, ignore=["mart.Été 1"])) == {"public.empty"}


def test_rows_of_partitions_count_once(url: str, execute: Execute) -> None:
    execute(
        "CREATE TABLE days (d int) PARTITION BY LIST (d); CREATE TABLE day1 PARTITION OF days FOR VALUES IN (1)"
    )
    execute("INSERT INTO days VALUES (1)")
    tables = snapshot(url)
    assert ("public.day1" in tables, tables["public.days"].rows) == (False, 1)
