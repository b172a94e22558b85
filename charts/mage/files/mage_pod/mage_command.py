"""Mage's command line as an executor pod needs it: `python3 -m mage_pod.mage_command run PROJECT PIPELINE…`.

The database's address is in the environment.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mage_pod import checkout, deferred, mage_secrets


def main(command: Sequence[str]) -> None:
    """Run the command; if it fails, the log's last line gives the reason: the scheduler reads it there."""
    try:
        _prepare(Path(os.environ.get("MAGE_REPO_PATH", command[1])).absolute())
        # MAGE.md: executor-command
        from mage_ai.cli.main import app

        app(checkout.enter(command))
    except Exception as error:  # noqa: BLE001 whatever a block raises
        traceback.print_exc()
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())}")


def _prepare(project: Path) -> None:
    """Make Mage outlast a restart of the database, and go on where a pod before this one was killed."""
    from mage_ai.settings.repo import set_repo_path

    set_repo_path(str(project))  # before the imports that read it
    deferred.import_mage()
    from mage_ai.data_preparation.executors.block_executor import BlockExecutor
    from mage_ai.data_preparation.executors.pipeline_executor import PipelineExecutor
    from mage_ai.orchestration.db import engine, safe_db_query

    from mage_pod import patience

    mage_secrets.from_environment()
    patience.notice_loss(engine)
    patience.outlast_restart(engine)
    engine.dispose()  # drop the connection that the imports made
    # MAGE.md: end-of-block-lost
    BlockExecutor._BlockExecutor__update_block_run_status = safe_db_query(_report)
    # MAGE.md: begun-block-never-ends
    PipelineExecutor.execute = _going_on(PipelineExecutor.execute)
    BlockExecutor.execute = _once(BlockExecutor.execute)


def _report(
    executor: Any,
    status: Any,
    block_run_id: int | None = None,
    error_details: Mapping[str, Any] | None = None,
    **_: Any,
) -> None:
    """Replace Mage's method, which gives up at the first error and then calls the address None."""
    from mage_ai.orchestration.db.models.schedules import BlockRun

    if block_run_id is None:
        return
    run = BlockRun.query.get(block_run_id)
    more: dict[str, Any] = {}
    if status == BlockRun.BlockRunStatus.COMPLETED:
        more["completed_at"] = datetime.now(UTC)
    if error_details:
        more["metrics"] = {**(run.metrics or {}), "error": _told(error_details["error"])}
    run.update(status=status, **more)


def _going_on(execute: Callable[..., None]) -> Callable[..., None]:
    """Let a run in one pod begin its blocks again that the pod before had begun; Mage would leave them."""

    def go_on(executor: Any, pipeline_run_id: int | None = None, **options: Any) -> None:
        from mage_ai.orchestration.db.models.schedules import BlockRun, PipelineRun

        if pipeline_run_id is not None:
            for block in PipelineRun.query.get(pipeline_run_id).block_runs:
                if block.status == BlockRun.BlockRunStatus.RUNNING:
                    block.update(status=BlockRun.BlockRunStatus.INITIAL)
        execute(executor, pipeline_run_id=pipeline_run_id, **options)

    return go_on


def _once(execute: Callable[..., Any]) -> Callable[..., Any]:
    """Leave out a block that the pod before had completed, when it was killed."""

    def execute_once(executor: Any, block_run_id: int | None = None, **options: Any) -> Any:
        from mage_ai.orchestration.db.models.schedules import BlockRun

        run = BlockRun.query.get(block_run_id) if block_run_id is not None else None
        if run and run.status == BlockRun.BlockRunStatus.COMPLETED:
            return None
        return execute(executor, block_run_id=block_run_id, **options)

    return execute_once


def _told(error: Exception) -> dict[str, Any]:
    """Return the error as Mage's UI shows it."""
    lines = traceback.format_exception(error)
    return {"error": str(error), "errors": lines, "message": "".join(lines)}


if __name__ == "__main__":
    main(sys.argv[1:])
