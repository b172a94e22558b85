"""Let one scheduler at a time work on a database."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, text

# One lock per schema. Its holder is granted it again, so this query also shows that the connection is alive.
_LOCK = text("SELECT pg_try_advisory_lock(1296123749, hashtext(current_schema()))")
# With this the server notices within 30 s that a node is gone, and frees the lock; without it, in two hours.
_NOTICE = text(
    "SELECT set_config('tcp_keepalives_idle', '15', false), set_config('tcp_keepalives_interval', '5', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)


# MAGE.md: two-schedulers
class Fence:
    """A lock in PostgreSQL, held by a connection of its own.

    A StatefulSet prevents a second scheduler, but the processes of a pod may still run if it was deleted by force
    or its node is lost. Jobs inherit the connection's socket: a dead scheduler holds the lock while a job of it
    runs.
    """

    def __init__(self, engine: Engine) -> None:
        """Use the database of `engine`."""
        self._engine = engine
        self._connection: Connection | None = None

    def held(self) -> bool:
        """Whether we hold the lock now. Raises the driver's error while the database is away."""
        try:
            self._connection = self._connection or self._connect()
            return bool(self._connection.scalar(_LOCK))
        except Exception:
            self._connection = None  # after a restart of the database we have to ask for the lock again
            raise

    def _connect(self) -> Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # so that the pool does not lend it to others
        connection.execute(_NOTICE)
        return connection
