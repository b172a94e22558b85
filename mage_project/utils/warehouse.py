"""Read and write PostgreSQL through the profiles of io_config.yaml."""

from collections.abc import Sequence

from mage_ai.io.config import ConfigFileLoader
from mage_ai.io.postgres import Postgres
from pandas import DataFrame
from psycopg2.extras import execute_values


def connect(profile: str) -> Postgres:
    """Return Mage's PostgreSQL client for a profile; use it in a `with` statement."""
    return Postgres.with_config(ConfigFileLoader(profile=profile))


def read(profile: str, query: str, **parameters: object) -> DataFrame:
    """Return the rows of `query`, in which `%(name)s` stands for a parameter."""
    with connect(profile) as database:
        return database.load(query, params=parameters, verbose=False)


def upsert(rows: DataFrame, table: str, key: Sequence[str], definition: str) -> None:
    """Insert `rows` into a table of the warehouse, or update those whose key exists, in one transaction.

    `definition` is SQL that creates the table if it does not exist: types and constraints are chosen by the
    block, not guessed from the first day's values.
    """
    with connect("default") as warehouse, warehouse.conn.cursor() as cursor:
        cursor.execute(definition)
        execute_values(cursor, _upsert_statement(rows.columns, table, key), _records(rows))
        warehouse.conn.commit()
    print(f"{len(rows)} rows upserted into {table}")


def _upsert_statement(columns: Sequence[str], table: str, key: Sequence[str]) -> str:
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    return (
        f"insert into {table} ({', '.join(columns)}) values %s "
        f"on conflict ({', '.join(key)}) do update set {updates}"
    )


def _records(rows: DataFrame) -> list[tuple[object, ...]]:
    nullable = rows.astype(object).where(rows.notna(), None)
    return list(nullable.itertuples(index=False, name=None))
