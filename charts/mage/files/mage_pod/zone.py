"""Let Mage's database tell moments in UTC, whatever the time zone of the server is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event


def tell_utc(engine: Engine) -> None:
    """Set the time zone of each new connection. It is no parameter of the connection: poolers refuse that one."""
    # MAGE.md: zone-of-server-ignored
    event.listen(engine, "connect", _set_zone)


def _set_zone(connection: Any, record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
    connection.commit()
