"""Which triggers are not as `mage_pod.schedules` applied them; Mage is not imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 it is a class

from mage_pod.schedules import flat, told

# MAGE.md: run-tables
_ROWS = """\
SELECT applied.name, applied.applied, to_jsonb(trigger) || jsonb_build_object(
    'status', lower(status::text), 'schedule_type', lower(schedule_type::text),
    'tags', ARRAY(SELECT tag.name FROM tag_association JOIN tag ON tag.id = tag_id
                  WHERE taggable_id = trigger.id AND taggable_type = 'PipelineSchedule'),
    'event_matchers', ARRAY(SELECT jsonb_build_object('name', matcher.name, 'pattern', matcher.pattern)
                            FROM pipeline_schedule_event_matcher_association AS link
                            JOIN event_matcher AS matcher ON matcher.id = link.event_matcher_id
                            WHERE link.pipeline_schedule_id = trigger.id))
FROM schedules_from_values AS applied LEFT JOIN pipeline_schedule AS trigger ON trigger.id = applied.trigger_id
WHERE applied.applied->>'name' IS NOT NULL ORDER BY applied.name
"""
# Others may hold a secret.
_SHOWN = ("status", "schedule_type", "schedule_interval", "pipeline_uuid")


def differences(connection: Connection) -> list[str]:
    """Return a sentence for each field of a trigger that somebody changed after it was applied."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('schedules_from_values') IS NOT NULL")
        if cursor.fetchone() == (False,):
            return []
        cursor.execute(_ROWS)
        return [f"{name}: {line}" for name, applied, row in cursor.fetchall() for line in _changes(applied, row)]


def _changes(applied: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[str]:
    if row is None:
        yield "it was deleted by hand"
        return
    now, then = flat(told(row)), flat(applied)
    for field in sorted({*now, *then}):
        if now.get(field) != then.get(field):
            shown = f", from {then.get(field)} to {now.get(field)}" if field in _SHOWN else ""
            yield f"{field} was changed by hand{shown}"
