"""Mend Mage's Kubernetes executors: they outlast a failing API, say why a Job failed, and end its run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mage_ai.data_preparation.executors import k8s_block_executor, k8s_pipeline_executor
from mage_ai.orchestration.db import db_connection, safe_db_query
from mage_ai.orchestration.db.models.schedules import BlockRun, PipelineRun

from mage_pod.watch import JobFailed, Watch


def adapt() -> None:
    """Change the executors of this process and of its forks. Call it once, when Mage is up."""
    # MAGE.md: job-manager
    for module in (k8s_block_executor, k8s_pipeline_executor):
        module.K8sJobManager = Watch
    block, pipeline = k8s_block_executor.K8sBlockExecutor, k8s_pipeline_executor.K8sPipelineExecutor
    # MAGE.md: job-failure-told-again
    block.execute = _second(block.execute)
    # MAGE.md: job-failure-told-again
    block.execute_callback = _once(block.execute_callback)
    # MAGE.md: job-made-again
    pipeline.execute = _ending(pipeline.execute)


def _second(execute: Callable[..., Any]) -> Callable[..., Any]:
    """Report a failure only if the Job's pod has not: only the pod knows the block's own error."""

    def run(executor: Any, *, block_run_id: int, on_failure: Callable[..., None], **options: Any) -> Any:
        def on_failure_untold(block_uuid: str, error: Any) -> None:
            executor.has_told = _has_failed(block_run_id)
            if not executor.has_told:
                on_failure(block_uuid, error=error)

        return execute(executor, block_run_id=block_run_id, on_failure=on_failure_untold, **options)

    return run


@safe_db_query  # type: ignore[untyped-decorator]
def _has_failed(block_run_id: int) -> bool:
    db_connection.session.rollback()  # to see what the pod has written
    return bool(BlockRun.query.get(block_run_id).status == BlockRun.BlockRunStatus.FAILED)


def _once(execute_callback: Callable[..., Any]) -> Callable[..., Any]:
    """Leave out the callbacks that ran in the Job's pod."""

    def execute(executor: Any, callback: str, *arguments: Any, **options: Any) -> None:
        if callback != "on_success" and not getattr(executor, "has_told", False):
            execute_callback(executor, callback, *arguments, **options)

    return execute


def _ending(execute: Callable[..., Any]) -> Callable[..., Any]:
    """End a run when its Job has failed; Mage would make the Job again and again."""

    def run(executor: Any, pipeline_run_id: int | None = None, **options: Any) -> None:
        try:
            execute(executor, pipeline_run_id=pipeline_run_id, **options)
        except JobFailed as failure:
            _fail(pipeline_run_id, failure)
            raise

    return run


@safe_db_query  # type: ignore[untyped-decorator]
def _fail(pipeline_run_id: int | None, failure: JobFailed) -> None:
    from mage_ai.orchestration.pipeline_scheduler import PipelineScheduler

    db_connection.session.rollback()
    run = PipelineRun.query.get(pipeline_run_id)
    if run.status != PipelineRun.PipelineRunStatus.RUNNING:
        return
    scheduler = PipelineScheduler(run)
    for block in run.block_runs:
        if block.status == BlockRun.BlockRunStatus.RUNNING:
            scheduler.on_block_failure(block.block_uuid, error={"error": failure, "message": str(failure)})
    run.update(status=PipelineRun.PipelineRunStatus.FAILED)
    scheduler.on_pipeline_run_failure(str(failure))
