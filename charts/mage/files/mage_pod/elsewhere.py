"""Tell the jobs that only watch a Job of Kubernetes: it goes on without them, and Mage finds it again by name."""

from __future__ import annotations

import logging
from typing import Any

_PREFIX = "block_run_"
_KUBERNETES = "k8s"
_logger = logging.getLogger(__name__)


def runs_elsewhere(job_id: str) -> bool:
    """Whether the block of this job runs in a pod of its own. While the database is away: no."""
    if not job_id.startswith(_PREFIX):
        return False
    from mage_ai.orchestration.db.models.schedules import BlockRun

    try:
        run = BlockRun.query.get(int(job_id.removeprefix(_PREFIX)))
        return bool(_executor_type(run.pipeline_run.pipeline.get_block(run.block_uuid)) == _KUBERNETES)
    except Exception:
        _logger.exception("Waiting for %s: its executor is not known.", job_id)
        return False


def _executor_type(block: Any) -> Any:
    """Return the executor as Mage chooses it, without making one."""
    from mage_ai.data_preparation.executors.executor_factory import ExecutorFactory
    from mage_ai.data_preparation.models.constants import ExecutorType

    wanted = block.get_executor_type()
    return ExecutorFactory.get_default_executor_type() if wanted in (None, ExecutorType.LOCAL_PYTHON) else wanted
