"""Remove the Job of a block or run that was cancelled or timed out; Mage itself only stops watching it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from mage_ai.orchestration.job_manager import JobManager

from mage_pod.watch import Watch

_KUBERNETES = "k8s"
_Kill = Callable[[Any, int], None]
_logger = logging.getLogger(__name__)


def adapt() -> None:
    """Change how Mage ends a job, in this process. Call it once, when Mage is up."""
    # MAGE.md: job-left-running
    JobManager.kill_block_run_job = _removing(JobManager.kill_block_run_job, _of_block, _remove_block)
    # MAGE.md: job-left-running
    JobManager.kill_pipeline_run_job = _removing(JobManager.kill_pipeline_run_job, _of_pipeline, _remove_pipeline)


def _removing(kill: _Kill, executor_type: Callable[[int], Any], remove: Callable[[int], None]) -> _Kill:
    """End the process that watches the Job; another job removes the Job, since the API server may be slow."""

    def kill_job(manager: Any, number: int) -> None:
        kill(manager, number)
        try:
            has_job = executor_type(number) == _KUBERNETES
        except Exception:  # this must not prevent the end of the run
            _logger.exception("Not done, because its executor is unknown: %s(%d).", remove.__name__, number)
            return
        if has_job:
            manager.queue.enqueue(f"{remove.__name__[1:]}_{number}", remove, number)

    return kill_job


def _of_pipeline(number: int) -> Any:
    from mage_ai.orchestration.db.models.schedules import PipelineRun

    return PipelineRun.query.get(number).executor_type


def _of_block(number: int) -> Any:
    """Return the type of the executor that Mage would choose, without making the executor."""
    from mage_ai.data_preparation.executors.executor_factory import ExecutorFactory
    from mage_ai.data_preparation.models.constants import ExecutorType
    from mage_ai.orchestration.db.models.schedules import BlockRun

    run = BlockRun.query.get(number)
    wanted = run.pipeline_run.pipeline.get_block(run.block_uuid).get_executor_type()
    return ExecutorFactory.get_default_executor_type() if wanted in (None, ExecutorType.LOCAL_PYTHON) else wanted


class _Removal(Watch):
    """Removes the Job that Mage asks it to run."""

    def run_job(self, command: Any, k8s_config: Any = None) -> None:
        self.delete_job()


def _remove_block(number: int) -> None:
    from mage_ai.data_preparation.executors import k8s_block_executor
    from mage_ai.orchestration.db.models.schedules import BlockRun

    # MAGE.md: job-manager
    k8s_block_executor.K8sJobManager = _Removal
    run = BlockRun.query.get(number)
    pipeline = run.pipeline_run.pipeline
    executor = k8s_block_executor.K8sBlockExecutor(pipeline, run.block_uuid, run.pipeline_run.execution_partition)
    executor._execute(block_run_id=number)


def _remove_pipeline(number: int) -> None:
    from mage_ai.data_preparation.executors.k8s_pipeline_executor import K8sPipelineExecutor
    from mage_ai.orchestration.db.models.schedules import PipelineRun

    K8sPipelineExecutor(PipelineRun.query.get(number).pipeline).cancel(pipeline_run_id=number)
