"""Mage's clients for databases and files: which keys of an io profile each of them reads."""

from __future__ import annotations

from collections.abc import Iterable

# MAGE.md: io-clients
# The name of the class in `mage_ai.io` → how the keys begin that its `with_config` reads.
_KEYS = {
    "Airtable": ("AIRTABLE_",),
    "Algolia": ("ALGOLIA_",),
    "AzureBlobStorage": ("AZURE_",),
    "BackblazeB2": ("B2_", "AWS_"),
    "BigQuery": ("GOOGLE_",),
    "Chroma": ("CHROMA_",),
    "ClickHouse": ("CLICKHOUSE_",),
    "Druid": ("DRUID_",),
    "DuckDB": ("DUCKDB_", "MOTHERDUCK_"),
    "GoogleCloudStorage": ("GOOGLE_",),
    "GoogleSheets": ("GOOGLE_",),
    "MSSQL": ("MSSQL_",),
    "MongoDB": ("MONGODB_",),
    "MySQL": ("MYSQL_",),
    "OracleDB": ("ORACLEDB_",),
    "Pinot": ("PINOT_",),
    "Postgres": ("POSTGRES_",),
    "Qdrant": ("QDRANT_",),
    "Redshift": ("REDSHIFT_", "AWS_"),
    "S3": ("AWS_",),
    "Snowflake": ("SNOWFLAKE_",),
    "Spark": ("SPARK_",),
    "Trino": ("TRINO_", "trino"),
    "Weaviate": ("WEAVIATE_",),
}
# A SQL block and a streaming sink name the client as `data_provider` and `connector_type`, in small letters.
_BY_NAME = {name.lower(): keys for name, keys in _KEYS.items()}

Keys = tuple[str, ...] | None  # how the keys begin; None: it may be any key


def keys_of(client: str) -> Keys:
    """Return how the keys begin that the client reads; None where it is not one of Mage's."""
    return _BY_NAME.get(client.replace("_", "").lower())


def keys_of_all(clients: Iterable[str]) -> Keys:
    """Return how the keys begin that `clients` read; None where there is no client, or one is unknown."""
    found: set[str] = set()
    for client in clients:
        keys = keys_of(client)
        if keys is None:
            return None
        found.update(keys)
    return tuple(sorted(found)) or None


def reads(keys: Keys, key: str) -> bool:
    """Tell whether a client that reads `keys` reads `key` of its profile.

    In the older form of the file, a key in mixed letters (`PostgreSQL`) holds all settings of one client.
    """
    older_form = not key.isupper() and key != "trino"
    return keys is None or older_form or key.startswith(keys)
