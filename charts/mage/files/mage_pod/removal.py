"""Remove the Job of what was cancelled or timed out; Mage itself only stops watching it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mage_ai.orchestration.job_manager import JobManager

from mage_pod.elsewhere import runs_elsewhere
from mage_pod.watch import Watch

_Kill = Callable[[Any, int], None]


def adapt() -> None:
    """Change Mage's ways to end a job, in this process. To be called once, with Mage up."""
    JobManager.kill_block_run_job = _removing(JobManager.kill_block_run_job, "block_run", _remove_block)
    JobManager.kill_pipeline_run_job = _removing(
        JobManager.kill_pipeline_run_job, "pipeline_run", _remove_pipeline
    )


def _removing(kill: _Kill, kind: str, remove: Callable[[int], None]) -> _Kill:
    """End what watches the Job, and leave its removal to a job of its own: the API server may take its time."""

    def kill_job(manager: Any, number: int) -> None:
        kill(manager, number)
        if runs_elsewhere(f"{kind}_{number}"):
            manager.queue.enqueue(f"remove_{kind}_{number}", remove, number)

    return kill_job


class _Removal(Watch):
    """Removes the Job that it is asked to run: so Mage says which."""

    def run_job(self, command: Any, k8s_config: Any = None) -> None:
        self.delete_job()


def _remove_block(number: int) -> None:
    from mage_ai.data_preparation.executors import k8s_block_executor
    from mage_ai.orchestration.db.models.schedules import BlockRun

    k8s_block_executor.K8sJobManager = _Removal
    run = BlockRun.query.get(number)
    pipeline = run.pipeline_run.pipeline
    executor = k8s_block_executor.K8sBlockExecutor(pipeline, run.block_uuid, run.pipeline_run.execution_partition)
    executor._execute(block_run_id=number)


def _remove_pipeline(number: int) -> None:
    from mage_ai.data_preparation.executors.k8s_pipeline_executor import K8sPipelineExecutor
    from mage_ai.orchestration.db.models.schedules import PipelineRun

    K8sPipelineExecutor(PipelineRun.query.get(number).pipeline).cancel(pipeline_run_id=number)
