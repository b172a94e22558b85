"""A run through Mage's HTTP API, with the same result as a run on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from mage_pod import mage_runs
from mage_pod.mage_api import ApiError, MageApi
from mage_pod.waiting import until
from runtime.run import BlockResult, Run, RunResult
from runtime.worker import ADDON_BROKE

Connected = Callable[[], AbstractContextManager[MageApi]]

_RUN_SECONDS = 1200  # each block may be a pod of its own
_LINES_SHOWN = 15  # of a failed block's log
_STATUS = {"completed": "completed", "failed": "failed", "condition_failed": "skipped"}


def run_through_api(connected: Connected, run: Run, troubles: Callable[[], Sequence[str]]) -> RunResult:
    """Run a pipeline once and return its result; `troubles` says why pods wait when a run does not end.

    `connected` connects to Mage, and is called again when an answer is lost.
    """
    started = time.monotonic()
    with connected() as api:
        trigger = mage_runs.make_trigger(api, run.pipeline, f"smoke {time.time_ns()}", _RUN_SECONDS)
        number = mage_runs.start(api, trigger, run.variables)
    status, blocks = _followed(connected, run.pipeline, number)
    broken = [block.block for block in blocks if block.error]
    error = None
    if status not in mage_runs.ENDED:
        error = "\n".join([f"not ended after {_RUN_SECONDS} s", *troubles()])
    elif broken:
        error = f"failed: {', '.join(broken)}"
    elif status != "completed":
        error = f"Mage ended it as {status}"
    seconds = time.monotonic() - started
    return RunResult(run.pipeline, run.variables, "failed" if error else "completed", seconds, blocks, error)


def _followed(connected: Connected, pipeline: str, number: int) -> tuple[str, tuple[BlockResult, ...]]:
    """Return the run's status and its blocks once it has ended or its time is over."""
    deadline = time.monotonic() + _RUN_SECONDS

    def look() -> tuple[str, tuple[BlockResult, ...]]:
        with connected() as api:
            run = mage_runs.ended(api, number, deadline - time.monotonic())
            return run["status"], tuple(_block(api, pipeline, block) for block in run["block_runs"])

    return until(look, f"an answer of Mage about run {number}", _RUN_SECONDS, retry=ApiError)


def _block(api: MageApi, pipeline: str, block: dict[str, Any]) -> BlockResult:
    status = _STATUS.get(block["status"], "upstream_failed")
    log = _log(api, pipeline, block["id"])
    error = _why(block, log) if status == "failed" else _complaints(log)
    return BlockResult(block["block_uuid"], status, 0.0, error=error)


def _log(api: MageApi, pipeline: str, block_run: int) -> list[dict[str, Any]]:
    """Return the records of a block's log, each with the lines of the traceback below it."""
    # MAGE.md: api-logs
    answer = api.call("GET", f"/api/pipelines/{pipeline}/logs?block_run_id[]={block_run}")["logs"][0]
    records: list[dict[str, Any]] = []
    for file in answer["block_run_logs"]:
        for line in (file.get("content") or "").splitlines():
            _, brace, record = line.partition(" {")
            try:
                records.append(json.loads(brace + record))
            except ValueError:
                records[-1:] = [last | {"below": f"{last.get('below', '')}{line}\n"} for last in records[-1:]]
    return records


def _why(block: dict[str, Any], log: Sequence[dict[str, Any]]) -> str:
    """Return Mage's reason and the end of the block's log."""
    reason = ((block.get("metrics") or {}).get("error") or {}).get("error") or "Mage gives no reason"
    lines = [line for record in log for line in _text(record).splitlines() if line.strip()]
    return "\n".join([str(reason).strip(), "its log:", *lines[-_LINES_SHOWN:]])


# MAGE.md: addon-errors-swallowed
def _complaints(log: Sequence[dict[str, Any]]) -> str | None:
    """Return the errors of conditions and callbacks: Mage counts the first as false and ignores the second."""
    return "; ".join(_text(record) for record in log if ADDON_BROKE.search(json.dumps(record))) or None


def _text(record: dict[str, Any]) -> str:
    below = _own_frames(record.get("below", "")) or record.get("error_stacktrace") or ""
    return f"{record.get('message') or ''}\n{below}".strip()


def _own_frames(traceback: str) -> str:
    """Return its end, from the first frame of the block itself: Mage executes a block as text."""
    # MAGE.md: block-is-text
    _, frame, rest = traceback.partition('  File "<string>"')
    return f"{frame}{rest}" if frame else traceback.strip().rpartition("\n")[2]
