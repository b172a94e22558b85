"""Let one scheduler at a time work on a database."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, text

# One per schema. Who holds the lock is granted it again, so the question is the connection's sign of life, too.
_LOCK = text("SELECT pg_try_advisory_lock(1296123749, hashtext(current_schema()))")
# The server notices within 30 s that a node is gone, and frees the lock; by itself it takes two hours.
_NOTICE = text(
    "SELECT set_config('tcp_keepalives_idle', '15', false), set_config('tcp_keepalives_interval', '5', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)


# MAGE.md: two-schedulers
class Fence:
    """A lock in PostgreSQL, held by a connection of its own.

    A StatefulSet keeps a second scheduler away, but not the processes of a pod that was deleted by force or whose
    node is lost. Jobs inherit the connection's socket: as long as one of a dead scheduler's runs, it holds.
    """

    def __init__(self, engine: Engine) -> None:
        """Use the database of `engine`."""
        self._engine = engine
        self._connection: Connection | None = None

    def held(self) -> bool:
        """Whether the lock is ours now. Raises what the driver raises while the database is away."""
        try:
            self._connection = self._connection or self._connect()
            return bool(self._connection.scalar(_LOCK))
        except Exception:
            self._connection = None  # after a restart of the database the lock has to be asked for again
            raise

    def _connect(self) -> Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # the pool shall not lend it to others
        connection.execute(_NOTICE)
        return connection
