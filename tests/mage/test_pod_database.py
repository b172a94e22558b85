"""The address of Mage's database: real logins with whatever characters people put into passwords."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg2
import pytest
import sqlalchemy
from psycopg2 import sql

from helpers import Program
from mage.pods import FILES
from mage_pod import database
from mage_pod.database import DatabaseSettingsError, connection_url, described, driver_url
from runtime.postgres import Server

USER = "mä/ge@home"
PASSWORD = "p@ss:w/rd#%25 ü?&=+"
# Mage is imported while its database is away; later somebody asks it something.
_IMPORTED_TOO_EARLY = """\
import sys
from mage_pod import database
database.configure()
from mage_ai.orchestration.db import engine
from sqlalchemy import text
print("imported", flush=True)
sys.stdin.readline()
with engine.connect() as connection:
    print(connection.execute(text("SELECT current_user")).scalar())
"""


@pytest.fixture(scope="module")
def parts(server: Server) -> Iterator[dict[str, str]]:
    """The parts of a login whose user and password are full of special characters."""
    role, secret = sql.Identifier(USER), sql.Literal(PASSWORD)
    administer(server, sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, secret))
    yield {
        "DB_HOST": server.host,
        "DB_PORT": str(server.port),
        "DB_NAME": "postgres",
        "DB_USER": USER,
        "DB_PASS": PASSWORD,
    }
    administer(server, sql.SQL("DROP ROLE {}").format(role))


def administer(server: Server, statement: sql.Composed) -> None:
    with contextlib.closing(psycopg2.connect(server.url())) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statement)


def user_by_sqlalchemy(url: str) -> str:
    """Who a login with this address is."""
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        return str(connection.execute(sqlalchemy.text("SELECT current_user")).scalar())


def test_parts_with_special_characters_log_in(parts: dict[str, str]) -> None:
    assert user_by_sqlalchemy(connection_url(parts)) == USER


def test_parts_with_special_characters_log_in_with_the_driver_itself(parts: dict[str, str]) -> None:
    with contextlib.closing(psycopg2.connect(driver_url(parts))) as connection:
        assert connection.info.user == USER


def test_parts_with_a_wrong_password_do_not_log_in(parts: dict[str, str]) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(driver_url(parts | {"DB_PASS": "_"}))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+asyncpg"])
def test_a_whole_url_logs_in_whatever_its_scheme(server: Server, scheme: str) -> None:
    url = server.url().replace("postgresql:", f"{scheme}:")
    assert user_by_sqlalchemy(connection_url({"DB_URL": url})) == server.user


def test_mage_imported_while_its_database_is_away_logs_in_later(server: Server, parts: dict[str, str]) -> None:
    name = "mage_away"
    environment = os.environ | parts | {"DB_NAME": name, "PYTHONPATH": str(FILES), "MAGE_DATA_DIR": "/tmp"}
    words = [sys.executable, "-P", "-c", _IMPORTED_TOO_EARLY]
    with Program(*words, environment=environment, cwd="/tmp", stdin=subprocess.PIPE) as process:
        assert "imported" in process.line()
        server.create_database(name)
        output, errors = process.communicate("go\n", timeout=30)
    server.drop_database(name)
    assert output.strip() == USER, errors


def test_sslmode_reaches_the_server(parts: dict[str, str]) -> None:
    with pytest.raises(psycopg2.OperationalError, match="server does not support SSL, but SSL was required"):
        psycopg2.connect(driver_url(parts | {"DB_SSLMODE": "require"}))


def test_the_certificate_authority_is_the_given_file(parts: dict[str, str]) -> None:
    url = connection_url(parts | {"DB_SSLMODE": "verify-full", "DB_SSLROOTCERT": "/etc/mage/ca.crt"})
    assert sqlalchemy.make_url(url).query["sslrootcert"] == "/etc/mage/ca.crt"


def test_without_a_file_it_is_the_system_s(parts: dict[str, str]) -> None:
    query = sqlalchemy.make_url(connection_url(parts | {"DB_SSLMODE": "verify-full"})).query
    assert os.path.isfile(str(query["sslrootcert"]))  # noqa: PTH113 what libpq does with it


def test_what_a_url_says_of_tls_wins() -> None:
    url = connection_url({"DB_URL": "postgresql://u:p@h/d?sslmode=disable", "DB_SSLMODE": "require"})
    assert sqlalchemy.make_url(url).query["sslmode"] == "disable"


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_ipv6_address_is_a_host(parts: dict[str, str], host: str) -> None:
    url = sqlalchemy.make_url(connection_url(parts | {"DB_HOST": host}))
    assert (url.host, url.port) == ("::1", int(parts["DB_PORT"]))


def test_the_port_is_postgresql_s_own_unless_given(parts: dict[str, str]) -> None:
    del (settings := dict(parts))["DB_PORT"]
    assert sqlalchemy.make_url(connection_url(settings)).port == 5432


def test_an_address_that_mage_has_stays_when_nothing_else_is_set() -> None:
    assert connection_url({database.MAGE_URL: "postgresql+psycopg2://u:p@h/d"}) == "postgresql+psycopg2://u:p@h/d"


def test_configure_gives_mage_the_address(monkeypatch: pytest.MonkeyPatch, parts: dict[str, str]) -> None:
    monkeypatch.setenv(database.MAGE_URL, "of before")
    for name, value in parts.items():
        monkeypatch.setenv(name, value)
    database.configure()
    assert os.environ[database.MAGE_URL] == connection_url(parts)


@pytest.mark.parametrize("name", ["DB_NAME", "DB_USER", "DB_PASS"])
def test_a_missing_part_is_named(parts: dict[str, str], name: str) -> None:
    with pytest.raises(DatabaseSettingsError, match=name):
        connection_url(parts | {name: ""})


def test_a_port_that_is_none_is_refused(parts: dict[str, str]) -> None:
    with pytest.raises(DatabaseSettingsError, match=r"DB_PORT is 'tcp://10\.0\.0\.1:5432'"):
        connection_url(parts | {"DB_PORT": "tcp://10.0.0.1:5432"})


def test_without_any_setting_all_of_them_are_named() -> None:
    with pytest.raises(DatabaseSettingsError, match="set DB_URL, or DB_HOST, DB_NAME, DB_USER and DB_PASS"):
        connection_url({})


@pytest.mark.parametrize(
    "url",
    [
        "mysql://mage:hunter2@host/mage",
        "postgresql://mage:hunter2/@host/mage",
        "postgresql://mage:hunter2@x/y@host/mage",
        "postgresql://mage:hunter2#@host/mage",
        "postgresql://mage:hunter2@host:port/mage",
        "postgresql://mage:hunter2@host",
    ],
)
def test_a_url_that_cannot_be_understood_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseSettingsError, match="DB_URL has to look like") as refusal:
        connection_url({"DB_URL": url})
    # The traceback's own text, without the lines of this file, which quote the address.
    told = [error for error in (refusal.value, refusal.value.__context__) if error]
    shown = told[:1] if refusal.value.__suppress_context__ else told
    assert "hunter2" not in "".join(map(str, shown))


def test_messages_name_host_port_and_database_but_no_login(parts: dict[str, str]) -> None:
    assert described(parts | {"DB_HOST": "db.example.com"}) == (
        f"database postgres at db.example.com, port {parts['DB_PORT']}"
    )
