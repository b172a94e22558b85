"""How long Mage waits for its database: seconds for one that has vanished, minutes for one that restarts."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from sqlalchemy import Engine, event

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
    due = time.monotonic() + float(os.environ.get("DATABASE_TIMEOUT") or _TIMEOUT)
    said = None
    while True:
        try:
            return dialect.connect(*arguments, **parameters)
        except dialect.loaded_dbapi.OperationalError as error:
            if time.monotonic() > due:
                raise
            reason = str(error).strip().partition("\n")[0]
        if reason != said:
            _logger.warning("Waiting for the database: %s", reason)
        said = reason
        time.sleep(1)
