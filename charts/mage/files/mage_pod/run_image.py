"""Let later Jobs of a run have the image that the run began with, although the scheduler has a newer one."""

from __future__ import annotations

import logging
import os
import re
from typing import Any

_IMAGE, _SCHEMA = "image", "schema"
_BLOCK = re.compile(r"-block-(\d+)$")
_logger = logging.getLogger(__name__)


def seen() -> dict[str, str]:
    """Return what the `metrics` of a run's row hold of the image that it begins with."""
    image = os.environ.get("MAGE_POD_IMAGE")
    return {_IMAGE: image, _SCHEMA: _schema()} if image else {}


# MAGE.md: job-of-another-release
def keep(pod: Any, job_name: str) -> None:
    """Give the containers of `pod`, of which the Job is made, the image that the Job's run began with.

    If the database's schema is a newer one since, that image's Mage could not read it: the Job gets today's image.
    A run in one Job has no later Job.
    """
    found = _BLOCK.search(job_name)
    began = _began(int(found[1])) if found else {}
    today, image = pod.spec.containers[0].image, began.get(_IMAGE)
    if not image or image == today:
        return
    if began[_SCHEMA] != _schema():
        _logger.warning(
            "%s gets %s: the image that its run began with knows an older schema only", job_name, today
        )
        return
    for container in [*pod.spec.containers, *(pod.spec.init_containers or [])]:
        if container.image == today:
            container.image = image


# MAGE.md: job-of-another-release
def _began(block_run: int) -> dict[str, str]:
    from mage_ai.orchestration.db import safe_db_query
    from mage_ai.orchestration.db.models.schedules import BlockRun

    return safe_db_query(lambda: BlockRun.query.get(block_run).pipeline_run.metrics)() or {}


def _schema() -> str:
    """Return the revision of the database's schema."""
    from mage_ai.orchestration.db import db_connection, safe_db_query
    from sqlalchemy import text

    ask = text("SELECT version_num FROM alembic_version")
    return str(safe_db_query(lambda: db_connection.session.execute(ask).scalar())())
