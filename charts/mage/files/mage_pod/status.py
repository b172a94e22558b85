"""Tell how runs end and whether triggers are as they were applied, one line of JSON at a time.

    python3 -m mage_pod.status

It looks at Mage's database again and again, beside the scheduler. It prints what it sees when that has changed,
and at least once a minute. `kubectl logs` reads it, so nobody needs a right to change something, or a way to the
database. It does not import Mage, which would take memory from running blocks.

`runs` has for each pipeline the last ten releases that it ran with. Runs of `helm test` and of triggers that are
gone do not count, and none that began before runs kept the number of their release. Of an error the block's name
alone is told: its text may hold a secret.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 it is a class

from mage_pod import checkout, schema, trigger_drift
from mage_pod.database import DatabaseSettingsError
from mage_pod.mage_runs import HELM_TEST
from mage_pod.sigterm import end_at_sigterm

_FORMAT = 1
_EVERY, _AT_LEAST = 15, 60  # seconds
_CONNECT, _ANSWER = 5, 10  # seconds that the database has
_RELEASES = 10  # of each pipeline

# The join leaves out runs whose trigger is gone. Mage makes `@once` for a click.
# MAGE.md: run-tables
_RUNS = """\
SELECT run.pipeline_uuid, run.release::int,
       CASE WHEN trigger.schedule_type = 'TIME' AND trigger.schedule_interval <> '@once'
                 AND run.backfill_id IS NULL THEN 'scheduled' ELSE 'other' END,
       count(*) FILTER (WHERE run.status = 'COMPLETED'),
       count(*) FILTER (WHERE run.status = 'FAILED'),
       count(*) FILTER (WHERE run.status IN ('INITIAL', 'RUNNING')),
       min(run.id) FILTER (WHERE run.status IN ('COMPLETED', 'FAILED')),
       max(run.id) FILTER (WHERE run.status IN ('COMPLETED', 'FAILED'))
FROM (SELECT id, pipeline_uuid, pipeline_schedule_id, backfill_id, status, metrics->>'release' AS release
      FROM pipeline_run OFFSET 0) AS run -- so that each text is parsed once
JOIN pipeline_schedule AS trigger ON trigger.id = run.pipeline_schedule_id
WHERE run.release IS NOT NULL AND trigger.name IS DISTINCT FROM %s
GROUP BY 1, 2, 3
ORDER BY 1, 2 DESC
"""
_ENDED = """\
SELECT run.id, lower(run.status::text), coalesce(run.completed_at, run.updated_at, run.created_at),
       (SELECT block.block_uuid FROM block_run AS block
        WHERE block.pipeline_run_id = run.id AND block.status = 'FAILED'
        ORDER BY coalesce(block.completed_at, block.updated_at), block.id LIMIT 1)
FROM pipeline_run AS run WHERE run.id = ANY(%s)
"""

Runs = dict[str, dict[int, dict[str, Any]]]


def main() -> None:
    """Look and tell until SIGTERM."""
    end_at_sigterm()
    before: dict[str, Any] = {}
    told = -float(_AT_LEAST)
    while True:
        now = look(os.environ)
        if now != before or time.monotonic() - told >= _AT_LEAST - _EVERY / 2:
            print(json.dumps({"format": _FORMAT, "at": _at(datetime.now(UTC)), **now}), flush=True)
            before, told = now, time.monotonic()
        time.sleep(_EVERY)


def look(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return release, problem, triggers and runs as they are now."""
    seen: dict[str, Any] = {"release": checkout.release_number(), "problem": None, "triggers": [], "runs": {}}
    try:
        with schema.connected(environ, _CONNECT) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = %s", (_ANSWER * 1000,))
            return seen | {"triggers": trigger_drift.differences(connection), "runs": runs(connection)}
    except (psycopg2.Error, DatabaseSettingsError) as error:
        return seen | {"problem": f"the database: {str(error).strip().splitlines()[0]}"}


def runs(connection: Connection) -> Runs:
    """Return how the runs of each pipeline ended, by the release that they began with, without what is zero."""
    with connection.cursor() as cursor:
        cursor.execute(_RUNS, (HELM_TEST,))
        rows = list(_newest(cursor.fetchall()))
        cursor.execute(_ENDED, ([number for row in rows for number in row[-2:] if number],))
        ended = {number: _ended(number, *rest) for number, *rest in cursor.fetchall()}
    found: Runs = defaultdict(lambda: defaultdict(dict))
    for pipeline, release, kind, completed, failed, running, first, last in rows:
        entry = found[pipeline][release]
        counts = {"completed": completed, "failed": failed, "last": ended.get(last)}
        entry[kind] = {key: value for key, value in counts.items() if value}
        if running:
            entry["running"] = entry.get("running", 0) + running
        if first in ended and first < entry.get("first", {"run": sys.maxsize})["run"]:
            entry["first"] = ended[first]
    return found


def _newest(rows: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the last releases of each pipeline."""
    kept: dict[str, set[int]] = defaultdict(set)
    for row in rows:  # by pipeline, the newest release first
        releases = kept[row[0]]
        if row[1] in releases or len(releases) < _RELEASES:
            releases.add(row[1])
            yield row


def _ended(number: int, status: str, at: datetime, block: str | None) -> dict[str, Any]:
    told = {"run": number, "status": status, "at": _at(at)}
    return told | ({"block": block} if status == "failed" and block else {})


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    main()
