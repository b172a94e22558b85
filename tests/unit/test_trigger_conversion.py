"""Mage's triggers as schedules: all that the environment can keep, and by name what it cannot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from basics.errors import Malformed
from promotion.configuration.schedule import read_schedule
from promotion.triggers.conversion import TOKENS, Converted, Dropped, convert, read_triggers_file

# As Mage writes the file: alphabetical, with all keys.
FILE = """\
triggers:
- description: null
  envs: [dev, prod]
  last_enabled_at: 2024-05-01 10:00:00.000000+00:00
  name: Daily load
  pipeline_uuid: elsewhere
  schedule_interval: '30 4 * * *'
  schedule_type: time
  settings: {skip_if_previous_running: true, allow_blocks_to_fail: false, timeout: 900}
  sla: 3600
  start_time: 2024-05-01 06:00:00
  status: active
  token: 0123456789abcdef
  variables: {days: 2, from: 2024-05-01}
- name: called
  schedule_type: api
  schedule_interval: null
  start_time: null
  status: inactive
  token: 0123456789abcdef
"""


def trigger(**more: Any) -> dict[str, Any]:
    given = {"name": "daily", "pipeline_uuid": "orders", "schedule_type": "time", "schedule_interval": "@daily"}
    return given | {"status": "active", "settings": {"timeout": 60}} | more


def one(**more: Any) -> Converted:
    (converted,), dropped = convert([trigger(**more)])
    assert dropped == []
    read_schedule("values.yaml", converted.key, converted.entry)
    return converted


def why_dropped(**more: Any) -> str:
    converted, (dropped,) = convert([trigger(**more)])
    assert converted == []
    return dropped.why


def test_a_file_of_triggers_becomes_schedules() -> None:
    (daily, called), dropped = convert(read_triggers_file("triggers.yaml", FILE, "orders"))
    assert dropped == []
    assert (daily.key, daily.environments, daily.left, daily.token) == ("daily-load", ("dev", "prod"), (), None)
    assert daily.entry == {
        "name": "Daily load",
        "pipeline": "orders",
        "interval": "30 4 * * *",
        "enabled": True,
        "startTime": "2024-05-01T06:00:00+00:00",
        "timeout": 900,
        "skipIfPreviousRunning": True,
        "sla": 3600,
        "variables": {"days": 2, "from": "2024-05-01"},
    }
    assert called.entry == {
        "type": "api",
        "pipeline": "orders",
        "enabled": False,
        "timeout": 0,
        "token": {"name": TOKENS, "key": "called"},
    }
    assert called.token == "0123456789abcdef"
    assert "0123456789abcdef" not in repr(called)
    assert called.left == ("its address: the trigger gets another number, which the chart's Job prints",)


def test_a_file_without_triggers_has_none() -> None:
    assert read_triggers_file("triggers.yaml", "triggers: []\n", "orders") == []
    assert read_triggers_file("triggers.yaml", "", "orders") == []


@pytest.mark.parametrize("text", ["triggers: {a: 1}", "triggers: [a]", "triggers: ["])
def test_a_file_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_triggers_file("pipelines/orders/triggers.yaml", text, "orders")


def test_names_become_keys_that_differ() -> None:
    same = [trigger(), trigger(pipeline_uuid="stock"), trigger(pipeline_uuid="stock"), trigger(name="Été!")]
    converted, _ = convert(same)
    assert [each.key for each in converted] == ["orders-daily", "stock-daily", "stock-daily-2", "t"]
    assert [each.entry.get("name") for each in converted] == ["daily", "daily", "daily", "Été!"]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"schedule_type": "api", "start_time": "2024-05-01 06:00:00"}, "start_time: Mage does not read it"),
        ({"schedule_type": "api"}, "schedule_interval: Mage does not read it"),
        ({"schedule_type": "api", "settings": {"skip_if_previous_running": True}}, "settings.skip_if_previous"),
        ({"schedule_type": "api", "token": "[API_TOKEN_PLACEHOLDER]"}, "token: it is not told"),
        ({"settings": {"invalid_schedule_interval": True}}, "settings.invalid_schedule_interval: "),
        ({"settings": {"landing_time_enabled": True}}, "settings.landing_time_enabled: "),
        ({"event_matchers": [{"name": "a", "pattern": {"a": ["b"]}}]}, "event_matchers: "),
        ({"color": "blue"}, "color: Mage's trigger has no such field"),
    ],
)
def test_what_cannot_be_kept_is_named(change: dict[str, Any], left: str) -> None:
    assert [line for line in one(**change).left if line.startswith(left)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": None}, "it has no name"),
        ({"name": "API_TRIGGER_CREATED_FROM_CODE", "schedule_type": "api"}, "Mage makes this trigger itself"),
        ({"global_data_product_uuid": "stock"}, "Mage makes this trigger itself"),
        (
            {"name": "Backfill 2024", "schedule_type": None, "schedule_interval": "@once"},
            "it belongs to a backfill",
        ),
        ({"schedule_interval": None}, "it has no interval: it never fires"),
        ({"schedule_type": None, "schedule_interval": None}, "it has no interval: it never fires"),
        ({"schedule_type": "event"}, "it has no event matchers"),
        ({"schedule_interval": "0 0 * * * 30"}, "its interval '0 0 * * * 30' has a field of seconds"),
        ({"schedule_interval": "0 0 30 2 *"}, "its interval '0 0 30 2 *' is none at which"),
        ({"schedule_interval": "@reboot"}, "its interval '@reboot' is none at which"),
        ({"settings": {"timeout_status": "completed"}}, "schedules.daily.timeoutStatus: "),
    ],
)
def test_what_cannot_become_a_schedule_says_why(change: dict[str, Any], why: str) -> None:
    assert why_dropped(**change).startswith(why)


@pytest.mark.parametrize(
    ("interval", "kept"),
    [
        ("@weekly", "@weekly"),
        ("@yearly", "0 0 1 1 *"),
        ("@midnight", "0 0 * * *"),
        (" 0  6 ? * fri#1", "0 6 ? * fri#1"),
        ("0 6 L * *", "0 6 L * *"),
        ("0 6 * * * 0", "0 6 * * *"),
    ],
)
def test_an_interval_that_mage_takes_is_kept(interval: str, kept: str) -> None:
    assert one(schedule_interval=interval).entry["interval"] == kept


def test_a_dropped_trigger_is_named() -> None:
    _, dropped = convert([trigger(schedule_interval=None)])
    assert dropped == [Dropped("daily", "orders", "it has no interval: it never fires")]


@pytest.mark.parametrize(
    "start", ["2024-05-01 08:00:00+02:00", datetime(2024, 5, 1, 6), datetime(2024, 5, 1, 6, tzinfo=UTC)]
)
def test_a_start_is_told_in_utc(start: Any) -> None:
    assert one(start_time=start).entry["startTime"] == "2024-05-01T06:00:00+00:00"
