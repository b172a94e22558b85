"""How long Mage waits for its database: seconds for one that has vanished, minutes for one that restarts."""

from __future__ import annotations

import logging
import os
from typing import Any

from sqlalchemy import Engine, event

from mage_pod.waiting import NotInTime, until

# Without these limits Mage waits a quarter of an hour or more for a database that has silently vanished.
_LIMITS = {
    "connect_timeout": 10,  # seconds, like the following
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
_TIMEOUT = "300"
_logger = logging.getLogger(__name__)


def notice_loss(engine: Engine) -> None:
    """Let new connections fail within half a minute when the database does not answer any more."""
    # MAGE.md: endless-wait-for-database
    event.listen(engine, "do_connect", _limit)


def outlast_restart(engine: Engine) -> None:
    """Try each new connection for DATABASE_TIMEOUT seconds: it may report hours of a block's work.

    Not for the scheduler's loop, which must not wait. Mage's own pool notices a connection that was cut, and makes
    a new one.
    """
    # MAGE.md: restart-not-outlasted
    event.listen(engine, "do_connect", _connect)


def _limit(dialect: Any, record: Any, arguments: Any, parameters: dict[str, Any]) -> None:
    parameters.update(_LIMITS)


def _connect(dialect: Any, record: Any, arguments: Any, parameters: dict[str, Any]) -> Any:
    seconds = float(os.environ.get("DATABASE_TIMEOUT") or _TIMEOUT)

    def connect() -> Any:
        return dialect.connect(*arguments, **parameters)

    try:
        return until(
            connect, "the database", seconds, retry=dialect.loaded_dbapi.OperationalError, on_change=_warn, pause=1
        )
    except NotInTime as late:
        raise late.seen from None  # the driver's own error: SQLAlchemy knows what it means


def _warn(error: Exception) -> None:
    _logger.warning("Waiting for the database: %s", str(error).strip().partition("\n")[0])
