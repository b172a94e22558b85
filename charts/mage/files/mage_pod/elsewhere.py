"""Tell the jobs that only watch a Job of Kubernetes: it goes on without them, and Mage finds it again by name."""

from __future__ import annotations

import logging
from typing import Any

_KUBERNETES = "k8s"
_logger = logging.getLogger(__name__)


def runs_elsewhere(job_id: str) -> bool:
    """Whether the block or pipeline of this job runs in a pod of its own. While the database is away: no."""
    kind, _, number = job_id.rpartition("_")
    executor_type = {"block_run": _of_block, "pipeline_run": _of_pipeline}.get(kind)
    try:
        return executor_type is not None and bool(executor_type(int(number)) == _KUBERNETES)
    except Exception:
        _logger.exception("Waiting for %s: its executor is not known.", job_id)
        return False


def _of_pipeline(number: int) -> Any:
    from mage_ai.orchestration.db.models.schedules import PipelineRun

    return PipelineRun.query.get(number).executor_type


def _of_block(number: int) -> Any:
    """Return the executor as Mage chooses it, without making one."""
    from mage_ai.data_preparation.executors.executor_factory import ExecutorFactory
    from mage_ai.data_preparation.models.constants import ExecutorType
    from mage_ai.orchestration.db.models.schedules import BlockRun

    run = BlockRun.query.get(number)
    wanted = run.pipeline_run.pipeline.get_block(run.block_uuid).get_executor_type()
    return ExecutorFactory.get_default_executor_type() if wanted in (None, ExecutorType.LOCAL_PYTHON) else wanted
