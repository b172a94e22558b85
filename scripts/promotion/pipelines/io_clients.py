"""Mage's clients for databases and files: which keys of an io profile each of them reads."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple


class Reads(NamedTuple):
    """A key that a client reads, or, with a `_` at its end, all keys that begin so.

    It reads them only of a profile that has the key `beside`, and not of one that has the key `instead`.
    """

    key: str
    beside: str = ""
    instead: str = ""


Keys = tuple[Reads, ...] | None  # None: it may be any key


def _all(*keys: str, beside: str = "", instead: str = "") -> tuple[Reads, ...]:
    return tuple(Reads(key, beside, instead) for key in keys)


_GOOGLE = (
    *_all("GOOGLE_LOCATION", "GOOGLE_SERVICE_ACC_KEY"),
    *_all("GOOGLE_SERVICE_ACC_KEY_FILEPATH", instead="GOOGLE_SERVICE_ACC_KEY"),
)
# MAGE.md: io-clients
# The name of the class in `mage_ai.io` → what its `with_config` reads.
_KEYS = {
    "Airtable": _all("AIRTABLE_"),
    "Algolia": _all("ALGOLIA_"),
    "AzureBlobStorage": _all("AZURE_"),
    "BackblazeB2": (
        *_all("B2_"),
        *_all("AWS_ACCESS_KEY_ID", "AWS_REGION", instead="B2_APPLICATION_KEY_ID"),  # B2 does without a region
        *_all("AWS_SECRET_ACCESS_KEY", instead="B2_APPLICATION_KEY"),
        *_all("AWS_ENDPOINT", instead="B2_ENDPOINT_URL"),
    ),
    "BigQuery": _GOOGLE,
    "Chroma": _all("CHROMA_"),
    "ClickHouse": _all("CLICKHOUSE_"),
    "Druid": _all("DRUID_"),
    "DuckDB": _all("DUCKDB_", "MOTHERDUCK_"),
    "GoogleCloudStorage": _GOOGLE,
    "GoogleSheets": _GOOGLE,
    "MSSQL": _all("MSSQL_"),
    "MongoDB": (
        *_all("MONGODB_CONNECTION_STRING", "MONGODB_DATABASE", "MONGODB_COLLECTION"),
        *_all(
            *("MONGODB_HOST", "MONGODB_PORT", "MONGODB_USER", "MONGODB_PASSWORD"),
            instead="MONGODB_CONNECTION_STRING",
        ),
    ),
    "MySQL": _all("MYSQL_"),
    "OracleDB": _all("ORACLEDB_"),
    "Pinot": _all("PINOT_"),
    "Postgres": _all("POSTGRES_"),
    "Qdrant": _all("QDRANT_"),
    "Redshift": (
        *_all("REDSHIFT_DBNAME", "REDSHIFT_SCHEMA"),
        *_all("REDSHIFT_CLUSTER_ID", "REDSHIFT_DBUSER", "REDSHIFT_IAM_PROFILE"),
        *_all("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", beside="REDSHIFT_CLUSTER_ID"),
        *_all("REDSHIFT_HOST", "REDSHIFT_PORT", "REDSHIFT_TEMP_CRED_", instead="REDSHIFT_CLUSTER_ID"),
    ),
    "S3": _all("AWS_"),
    "Snowflake": (
        *_all("SNOWFLAKE_ACCOUNT", "SNOWFLAKE_DEFAULT_", "SNOWFLAKE_PASSWORD", "SNOWFLAKE_ROLE"),
        *_all("SNOWFLAKE_TIMEOUT", "SNOWFLAKE_USER"),
        *_all("SNOWFLAKE_PRIVATE_KEY_", instead="SNOWFLAKE_PASSWORD"),
    ),
    "Spark": _all("SPARK_"),
    "Trino": (*_all("TRINO_", instead="trino"), *_all("trino")),
    "Weaviate": _all("WEAVIATE_"),
}
# A SQL block and a streaming sink name the client as `data_provider` and `connector_type`, in small letters.
_BY_NAME = {name.lower(): keys for name, keys in _KEYS.items()}


def keys_of(client: str) -> Keys:
    """Return which keys the client reads; None where it is not one of Mage's."""
    return _BY_NAME.get(client.replace("_", "").lower())


def keys_of_all(clients: Iterable[str]) -> Keys:
    """Return which keys `clients` read; None where there is no client, or one is unknown."""
    found: set[Reads] = set()
    for client in clients:
        keys = keys_of(client)
        if keys is None:
            return None
        found.update(keys)
    return tuple(sorted(found)) or None


def reads(keys: Keys, key: str, profile: Container[str]) -> bool:
    """Tell whether a client that reads `keys` reads `key` of a profile that has the keys `profile`.

    In the older form of the file, a key like `AWS` or `PostgreSQL` holds all settings of one client.
    """
    older_form = key == "AWS" or (not key.isupper() and key != "trino")
    return keys is None or older_form or any(_reads(each, key, profile) for each in keys)


def _reads(each: Reads, key: str, profile: Container[str]) -> bool:
    is_meant = key.startswith(each.key) if each.key.endswith("_") else key == each.key
    return is_meant and (not each.beside or each.beside in profile) and each.instead not in profile
