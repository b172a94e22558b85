"""Give Mage's owner each new password of the Secret: Mage itself reads it only for its very first user.

A table of ours keeps a hash of the Secret's last password. So a password that somebody changed in the UI stays,
through every restart, until the password in the Secret changes.
"""

from __future__ import annotations

from collections.abc import Mapping

import bcrypt
from psycopg2.extensions import connection as Connection  # noqa: N812 it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 it is a class

_LOCK = 6789_0002  # if several pods start at once, one looks and the others wait
# MAGE.md: user-table
_MAGE_ROUNDS = 14  # bcrypt's rounds in Mage's own passwords


def follow_secret(connection: Connection, environ: Mapping[str, str]) -> str:
    """Give Mage's owner DEFAULT_OWNER_PASSWORD if it has changed since last time; return what was done.

    The first time the password is only noted: Mage makes the owner with it, or the owner is older than the note.
    """
    email, password = environ["DEFAULT_OWNER_EMAIL"], environ["DEFAULT_OWNER_PASSWORD"].encode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        last = _last(cursor)
        if last and bcrypt.checkpw(password, last):
            return "The Secret's owner-password has not changed."
        if last and not _give(cursor, email, password):
            return f"The Secret's owner-password has changed, but no user has the address {email}: nobody got it."
        _note(cursor, password)
    return f"{email} has the Secret's new owner-password." if last else "Noted the Secret's owner-password."


def _last(cursor: Cursor) -> bytes | None:
    cursor.execute("CREATE TABLE IF NOT EXISTS mage_pod_owner_password (hash text NOT NULL)")
    cursor.execute("SELECT hash FROM mage_pod_owner_password")
    row = cursor.fetchone()
    return row[0].encode() if row else None


def _give(cursor: Cursor, email: str, password: bytes) -> bool:
    """Write the password as Mage does for a change in the UI; return whether the user exists."""
    salt = bcrypt.gensalt(_MAGE_ROUNDS)
    written = (bcrypt.hashpw(password, salt).decode(), salt.decode(), email)
    # MAGE.md: owner-password-once
    cursor.execute('UPDATE "user" SET password_hash = %s, password_salt = %s WHERE email = %s', written)
    return bool(cursor.rowcount)


def _note(cursor: Cursor, password: bytes) -> None:
    noted = bcrypt.hashpw(password, bcrypt.gensalt()).decode()
    cursor.execute("DELETE FROM mage_pod_owner_password")
    cursor.execute("INSERT INTO mage_pod_owner_password VALUES (%s)", (noted,))
