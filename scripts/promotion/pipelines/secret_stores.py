"""Where Mage finds secrets that code and templates ask it for by name, and what it needs for that."""

from __future__ import annotations

from typing import NamedTuple

MAGE = "mage"  # Mage's own database


class Store(NamedTuple):
    """The secrets of a cloud: what the image and the pods must have so that Mage can ask for one."""

    packages: tuple[str, ...]
    variables: tuple[str, ...]  # without them Mage has no such function
    credentials: tuple[str, ...]  # of the account that pods act as; some clusters give it to them otherwise


# MAGE.md: secret-functions
CLOUDS = {
    "aws": Store(
        ("aws-secretsmanager-caching", "boto3"),
        (),
        ("AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_SECRET_ACCESS_KEY"),
    ),
    "azure": Store(
        ("azure-identity", "azure-keyvault-secrets"),
        ("AZURE_KEY_VAULT_URL",),
        ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"),
    ),
}
# The functions that templates have for them. Mage knows no `gcp_secret_var`, but its manuals do.
FUNCTIONS = {
    "mage_secret_var": MAGE,
    "aws_secret_var": "aws",
    "azure_secret_var": "azure",
    "gcp_secret_var": "gcp",
}
# The functions of Python whose first argument names a secret, by module and name.
PYTHON = {
    ("mage_ai.data_preparation.shared.secrets", "get_secret_value"): MAGE,
    ("mage_ai.services.aws.secrets_manager.secrets_manager", "get_secret"): "aws",
    ("mage_ai.services.azure.key_vault.key_vault", "get_secret"): "azure",
}
