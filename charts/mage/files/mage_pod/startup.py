"""Start Mage inside one of our processes."""

from __future__ import annotations

import os

from mage_pod import database, deferred, mage_secrets, patience, zone
from mage_pod.jobs import JobQueue


def start_mage(queue: JobQueue) -> None:
    """Do what `mage start` does before it serves or schedules, with `queue` instead of Mage's own.

    Call it before any module of Mage is imported. Raises `DatabaseSettingsError`.
    """
    database.configure()

    # In this order: each import reads what was set before it.
    # MAGE.md: start-of-mage
    from mage_ai.settings.repo import set_repo_path

    set_repo_path(os.environ["MAGE_REPO_PATH"])
    from mage_ai.orchestration.queue.queue_factory import QueueFactory

    # MAGE.md: job-lost-in-queue
    QueueFactory.queue = queue
    deferred.import_mage()
    from mage_ai.data_preparation.repo_manager import init_project_uuid
    from mage_ai.orchestration.db import engine
    from mage_ai.server.setup import initialize_globals
    from mage_ai.settings import SERVER_LOGGING_FORMAT, SERVER_VERBOSITY
    from mage_ai.shared.logger import set_logging_format

    mage_secrets.from_environment()
    patience.notice_loss(engine)
    zone.tell_utc(engine)
    engine.dispose()  # drop the connection that the imports made
    initialize_globals()
    init_project_uuid(root_project=True)
    set_logging_format(logging_format=SERVER_LOGGING_FORMAT, level=SERVER_VERBOSITY)
