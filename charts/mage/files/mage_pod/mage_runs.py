"""Start a pipeline through Mage's API and follow its run, as a client has to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from mage_pod.mage_api import MageApi
from mage_pod.waiting import NotInTime, until

# MAGE.md: api-runs
ENDED = ("completed", "failed", "cancelled")
HELM_TEST = "helm test"  # the name of its trigger

Run = dict[str, Any]


@contextmanager
def temporary_trigger(api: MageApi, pipeline: str, name: str, timeout: int) -> Iterator[int]:
    """Make a trigger and delete it at the end of the `with` block."""
    number = make_trigger(api, pipeline, name, timeout)
    try:
        yield number
    finally:
        api.call("DELETE", f"/api/pipeline_schedules/{number}")


def make_trigger(api: MageApi, pipeline: str, name: str, timeout: int) -> int:
    """Make a trigger for API calls and return its number; Mage ends its runs after `timeout` seconds."""
    trigger = {"name": name, "schedule_type": "api", "status": "active", "settings": {"timeout": timeout}}
    path = f"/api/pipelines/{pipeline}/pipeline_schedules"
    number: int = api.call("POST", path, {"pipeline_schedule": trigger})["pipeline_schedule"]["id"]
    return number


def start(api: MageApi, trigger: int, variables: Mapping[str, Any] | None = None) -> int:
    """Start a run of the trigger's pipeline and return the run's number; `execution_date` is an ISO date, UTC."""
    run: dict[str, Any] = {"variables": dict(variables or {})}
    # MAGE.md: execution-date-is-ignored
    if day := run["variables"].pop("execution_date", None):  # as a variable it is text, which SQL blocks refuse
        run["execution_date"] = datetime.fromisoformat(str(day)).isoformat(" ")
    path = f"/api/pipeline_schedules/{trigger}/pipeline_runs"
    number: int = api.call("POST", path, {"pipeline_run": run})["pipeline_run"]["id"]
    return number


def ended(api: MageApi, number: int, seconds: float) -> Run:
    """Return the run when it has ended, or after `seconds` in any state."""

    def look() -> Run:
        run: Run = api.call("GET", f"/api/pipeline_runs/{number}")["pipeline_run"]
        return run

    try:
        return until(look, f"the end of run {number}", seconds, enough=lambda run: run["status"] in ENDED)
    except NotInTime as late:
        as_it_is: Run = late.seen
        return as_it_is


def cancel(api: MageApi, number: int) -> None:
    """Cancel a run that has not ended."""
    api.call("PUT", f"/api/pipeline_runs/{number}", {"pipeline_run": {"status": "cancelled"}})


def failures(run: Mapping[str, Any]) -> dict[str, str]:
    """Return the first line of the error of each block that failed: further lines may quote data."""
    blocks = run.get("block_runs") or []
    return {block["block_uuid"]: _first_line(block) for block in blocks if block["status"] == "failed"}


def _first_line(block: Mapping[str, Any]) -> str:
    error = ((block.get("metrics") or {}).get("error") or {}).get("error")
    return str(error).strip().partition("\n")[0]
