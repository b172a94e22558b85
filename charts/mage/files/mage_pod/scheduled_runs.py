"""Report how scheduled runs have ended, from Mage's database.

    python3 -m mage_pod.scheduled_runs < SINCE.json

It reads {pipeline: moment} and prints {pipeline: {completed, failed, last}} for the runs that a trigger
with an interval has made since that moment. Runs by the API, by a backfill or by "run once" in the UI do not
count. It asks the database directly: an import of Mage in the scheduler's container would take memory from running
blocks.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import psycopg2

from mage_pod import database

# MAGE.md: run-tables
_COUNT = """\
SELECT wanted.pipeline,
       count(*) FILTER (WHERE run.status = 'COMPLETED'),
       count(*) FILTER (WHERE run.status = 'FAILED'),
       (array_agg(lower(run.status::text) ORDER BY run.created_at DESC, run.id DESC))[1]
FROM json_each_text(%s) AS wanted (pipeline, moment)
JOIN pipeline_run AS run ON run.pipeline_uuid = wanted.pipeline AND run.created_at >= wanted.moment::timestamptz
JOIN pipeline_schedule AS trigger ON trigger.id = run.pipeline_schedule_id
WHERE run.status IN ('COMPLETED', 'FAILED') AND run.backfill_id IS NULL
  AND trigger.schedule_type = 'TIME' AND trigger.schedule_interval <> '@once'
GROUP BY wanted.pipeline
"""


def main() -> int:
    """Answer on stdout; return the exit code."""
    since = json.load(sys.stdin)
    try:
        with closing(psycopg2.connect(database.driver_url(os.environ))) as connection:
            print(json.dumps(counts(connection, since)))
    except (database.DatabaseSettingsError, psycopg2.OperationalError) as error:
        print(str(error).strip(), file=sys.stderr)
        return 1
    return 0


def counts(connection: Any, since: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return for each pipeline of `since` how many runs completed and failed, and how the last one ended."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, (json.dumps(since),))
        found = {name: (completed, failed, last) for name, completed, failed, last in cursor.fetchall()}
    keys = ("completed", "failed", "last")
    return {name: dict(zip(keys, found.get(name, (0, 0, None)), strict=True)) for name in since}


if __name__ == "__main__":
    sys.exit(main())
