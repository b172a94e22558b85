"""The lines that `mage init` writes into `io_config.yaml`: whoever uses one has to write something else there."""

from __future__ import annotations

from collections.abc import Container

from promotion.pipelines.jinja import VARIABLE, Leaf

# MAGE.md: io-template
# With each of these, a client that reads it fails.
_UNUSABLE: dict[tuple[str, ...], str] = {
    ("AIRTABLE_ACCESS_TOKEN",): "token",
    ("ALGOLIA_APP_ID",): "app_id",
    ("AWS_REGION",): "region",
    ("AWS_SESSION_TOKEN",): "session_token (Used to generate Redshift credentials)",
    ("DRUID_HOST",): "hostname",
    (
        "GOOGLE_SERVICE_ACC_KEY",
        "private_key",
    ): "-----BEGIN PRIVATE KEY-----\nyour_private_key\n-----END_PRIVATE_KEY",
    ("GOOGLE_SERVICE_ACC_KEY_FILEPATH",): "/path/to/your/service/account/key.json",
    ("MONGODB_CONNECTION_STRING",): "mongodb://{username}:{password}@{host}:{port}/",
    ("MONGODB_HOST",): "host",
    ("MSSQL_HOST",): "host",
    ("MYSQL_HOST",): "host",
    ("PINOT_HOST",): "hostname",
    ("REDSHIFT_CLUSTER_ID",): "redshift_cluster_id",
    ("REDSHIFT_HOST",): "redshift_cluster_id.identifier.region.redshift.amazonaws.com",
    ("SNOWFLAKE_ACCOUNT",): "account_id.region",
    ("WEAVIATE_ENDPOINT",): "https://some-endpoint.weaviate.network",
}
# With some luck, the others are what a person wants.
_ALL = _UNUSABLE | {
    ("POSTGRES_DBNAME",): "postgres",
    ("POSTGRES_HOST",): "hostname",
    ("POSTGRES_PASSWORD",): "password",
    ("POSTGRES_PORT",): "5432",
    ("POSTGRES_USER",): "username",
}
# Read from the variable of the same name.
_VARIABLES = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_TENANT_ID",
}


def is_placeholder(leaf: Leaf, profile: Container[str]) -> bool:
    """Tell whether a client that reads the setting `leaf`, of a profile with the keys `profile`, fails with it."""
    # A storage of somebody else than AWS may know no regions.
    is_needed = leaf.keys[1] != "AWS_REGION" or "AWS_ENDPOINT" not in profile
    return is_needed and _UNUSABLE.get(leaf.keys[1:]) == leaf.text


def is_of_template(leaf: Leaf) -> bool:
    """Tell whether the setting `leaf` is as `mage init` wrote it, so that nobody knows whether it is used."""
    asked = [(each.function, each.name) for each in leaf.asked]
    is_variable = leaf.keys[1] in _VARIABLES and asked == [(VARIABLE, leaf.keys[1])]
    return is_variable or _ALL.get(leaf.keys[1:]) == leaf.text
