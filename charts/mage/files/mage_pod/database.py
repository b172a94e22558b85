"""The address of Mage's metadata database, from a pod's environment.

DB_URL is a whole address. Without it DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASS are its parts.
In both cases DB_SSLMODE and DB_SSLROOTCERT (a file) say how the server proves who it is.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlsplit

MAGE_URL = "MAGE_DATABASE_CONNECTION_URL"
_SCHEME = re.compile(r"postgres(ql)?(\+\w+)?$")
# MAGE.md: driver-not-brought
_DRIVER = "postgresql+psycopg2"  # without a driver's name SQLAlchemy takes a driver that Mage does not install
_PORT = "5432"
# If the first connection fails, Mage encodes the password in the address a second time, and cannot connect any
# more. So the address has this in place of the password. The password is a parameter, which takes precedence.
# MAGE.md: password-encoded-again
_PLACEHOLDER = "_"


class DatabaseSettingsError(ValueError):
    """The environment names no usable database; the message names the variable and the fix, never a value."""


def configure() -> None:
    """Give Mage the address of its database. Call it before any module of Mage is imported.

    Without DB_* variables an address that Mage already has stays. Raises `DatabaseSettingsError`.
    """
    os.environ[MAGE_URL] = connection_url(os.environ)


def connection_url(environ: Mapping[str, str]) -> str:
    """Return the address for SQLAlchemy, password included; raises `DatabaseSettingsError`."""
    if environ.get("DB_URL"):
        return _from_url(environ)
    if environ.get("DB_HOST"):
        return _from_parts(environ)
    if environ.get(MAGE_URL):
        return environ[MAGE_URL]
    raise DatabaseSettingsError("No database is set: set DB_URL, or DB_HOST, DB_NAME, DB_USER and DB_PASS.")


def driver_url(environ: Mapping[str, str]) -> str:
    """Return the address for psycopg2 itself, password included; raises `DatabaseSettingsError`."""
    return re.sub(r"^postgres\w*(\+\w+)?:", "postgresql:", connection_url(environ))


def described(environ: Mapping[str, str]) -> str:
    """Return host, port and database for a message."""
    parts = urlsplit(driver_url(environ))
    return f"database {unquote(parts.path[1:])} at {parts.hostname}, port {parts.port or _PORT}"


def _from_url(environ: Mapping[str, str]) -> str:
    try:
        parts = urlsplit(environ["DB_URL"].strip())
        port = str(parts.port or _PORT)
    except ValueError:  # the error's text may quote the password
        raise _malformed("its host or port cannot be read") from None
    if not _SCHEME.match(parts.scheme):
        raise _malformed("it does not begin with postgresql://")
    if parts.fragment or "@" in parts.path + parts.query:
        raise _malformed("an @, /, ? or # in it is not percent-encoded")
    name = unquote(parts.path[1:])
    if not parts.hostname or not name:
        raise _malformed("its host or its database is missing")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    password = given.pop("password", None) or unquote(parts.password or "")
    return _url(parts.hostname, port, name, unquote(parts.username or ""), password, _tls(environ) | given)


def _malformed(what: str) -> DatabaseSettingsError:
    return DatabaseSettingsError(
        f"DB_URL has to look like postgresql://user:password@host:port/database, but {what}. "
        "Percent-encode special characters in it (@ is %40, / is %2F, % is %25), or set DB_HOST, DB_NAME, "
        "DB_USER and DB_PASS instead, without encoding."
    )


# MAGE.md: password-taken-as-url
def _from_parts(environ: Mapping[str, str]) -> str:
    missing = [name for name in ("DB_NAME", "DB_USER", "DB_PASS") if not environ.get(name)]
    if missing:
        raise DatabaseSettingsError(f"DB_HOST is set, but not {', '.join(missing)}: set all of them, or DB_URL.")
    port = environ.get("DB_PORT") or _PORT
    if not port.isdecimal():
        raise DatabaseSettingsError(f"DB_PORT is {port!r}, not a number: set it to the database's port.")
    host = environ["DB_HOST"].strip("[]")
    return _url(host, port, environ["DB_NAME"], environ["DB_USER"], environ["DB_PASS"], _tls(environ))


def _tls(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the connection's parameters for TLS."""
    mode = environ.get("DB_SSLMODE")
    if not mode:
        return {}
    if certificates := environ.get("DB_SSLROOTCERT") or (mode.startswith("verify") and _authorities()):
        return {"sslmode": mode, "sslrootcert": certificates}
    return {"sslmode": mode}


def _authorities() -> str:
    """Return the file of the system's certificate authorities, which psycopg2's own OpenSSL does not find."""
    if file := ssl.get_default_verify_paths().cafile:
        return file
    import certifi

    return certifi.where()


def _url(host: str, port: str, name: str, user: str, password: str, parameters: Mapping[str, str]) -> str:
    login = _encoded(user) + (f":{_PLACEHOLDER}" if password else "")
    shown_host = f"[{host}]" if ":" in host else host
    given = dict(parameters) | ({"password": password} if password else {})
    query = "&".join(f"{key}={_encoded(value)}" for key, value in given.items())
    return f"{_DRIVER}://{login}@{shown_host}:{port}/{_encoded(name)}" + (f"?{query}" if query else "")


def _encoded(text: str) -> str:
    return quote(text, safe="")
