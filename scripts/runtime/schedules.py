"""Bring Mage's triggers in line with an environment's `schedules`, with Mage's own code.

python schedules.py ORIGIN < schedules.json

Started as a program in Mage's environment, on a database that Mage has migrated. ORIGIN is written into each
trigger: those that bear it are ours, what people made in the UI is left alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def main(origin: str, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Create, change and remove triggers; print a line for each that was not as wanted."""
    from mage_ai.orchestration.db import db_connection
    from mage_ai.orchestration.db.models.schedules import PipelineSchedule
    from mage_ai.settings.repo import get_repo_path

    db_connection.start_session()
    known = {row.name: row for row in PipelineSchedule.repo_query.filter(PipelineSchedule.description == origin)}
    for name in sorted({*wanted, *known}):
        if name not in wanted:
            known[name].delete()
            print(f"removed {name}")
            continue
        row = _row(name, origin, wanted[name])
        if name not in known:
            PipelineSchedule.create(repo_path=get_repo_path(), **row, **_enabled_now(row))
            print(f"created {name}")
        elif any(_plain(getattr(known[name], column)) != value for column, value in row.items()):
            known[name].update(**row, **_enabled_now(row))
            print(f"changed {name}")


def _row(name: str, origin: str, schedule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "description": origin,
        "pipeline_uuid": schedule["pipeline"],
        "schedule_type": "time",
        "schedule_interval": schedule["interval"],
        "status": "active" if schedule["enabled"] else "inactive",
        "variables": schedule["variables"],
        "settings": {"timeout": schedule["timeout"]},
    }


def _enabled_now(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what keeps a trigger from running at once for the interval that has already begun."""
    return {"last_enabled_at": datetime.now(UTC)} if row["status"] == "active" else {}


def _plain(value: Any) -> Any:
    """Return an enumeration of Mage's as the text that stands for it."""
    return getattr(value, "value", value)


if __name__ == "__main__":
    main(sys.argv[1], json.load(sys.stdin))
