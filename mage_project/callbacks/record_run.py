"""Record in the warehouse whether a block completed or failed."""

import os
from datetime import UTC, datetime
from typing import Any

from pandas import DataFrame

from mage_project.utils.dates import flight_date
from mage_project.utils.warehouse import upsert

if "callback" not in globals():
    from mage_ai.data_preparation.decorators import callback

TABLE = """
create schema if not exists audit;
create table if not exists audit.pipeline_runs (
  pipeline text not null,
  block text not null,
  flight_date date not null,
  environment text not null,
  status text not null,
  message text,
  recorded_at timestamptz not null,
  primary key (pipeline, block, flight_date)
);
"""


@callback("success")
def record_success(*args: Any, **variables: Any) -> None:
    """Record that the block completed."""
    record("completed", None, variables)


@callback("failure")
def record_failure(*args: Any, **variables: Any) -> None:
    """Record that the block failed, and its error."""
    record("failed", str(variables["__error"]), variables)


def record(status: str, message: str | None, variables: dict[str, Any]) -> None:
    """Keep the last outcome of each block and day."""
    outcome = {
        "pipeline": variables["pipeline_uuid"],
        "block": variables["parent_block_uuid"],
        "flight_date": flight_date(variables),
        "environment": os.getenv("ENV", "unknown"),
        "status": status,
        "message": message,
        "recorded_at": datetime.now(UTC),
    }
    upsert(DataFrame([outcome]), "audit.pipeline_runs", ["pipeline", "block", "flight_date"], TABLE)
