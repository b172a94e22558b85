"""Secrets that code asks Mage for by name: an environment supplies them as variables of these names."""

from __future__ import annotations

import os
from typing import Any


def from_environment() -> None:
    """Let Mage look into the environment before it looks into its own database."""
    # MAGE.md: secrets-only-in-database
    from mage_ai.data_preparation.shared import secrets

    of_database = secrets.get_secret_value

    def get_secret_value(name: str, *arguments: Any, **options: Any) -> str | None:
        return os.environ[name] if name in os.environ else of_database(name, *arguments, **options)

    secrets.get_secret_value = get_secret_value
