"""`scripts/adopt.py`: triggers become schedules of the environments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import PROJECT, call_script, write
from unit.adoption import adopt, content, listed, plan_of

TRIGGERS = """\
triggers:
- name: every night
  schedule_type: time
  schedule_interval: '@daily'
  status: active
  start_time: 2024-01-01 00:00:00
  sla: 3600
  settings: {timeout: 600, skip_if_previous_running: true}
  variables: {days: 2}
  envs: [staging]
- name: by hand
  schedule_type: api
  status: active
  token: 0123456789abcdef
- name: on arrival
  schedule_type: event
  status: active
"""


@pytest.fixture
def triggered(theirs: Path) -> Path:
    write(theirs, {"pipelines/sales/triggers.yaml": TRIGGERS})
    return theirs


def schedules_of(clone: Path, environment: str) -> dict[str, Any]:
    values = yaml.safe_load(content(clone, f"environments/{environment}/values.yaml"))
    schedules: dict[str, Any] = values["schedules"]
    return schedules


def test_triggers_become_schedules_that_fire_where_they_are_for(template: Path, triggered: Path) -> None:
    adopt(template, triggered)
    assert f"{PROJECT}/pipelines/sales/triggers.yaml" not in listed(template)
    nightly = {name: schedules_of(template, name)["every-night"] for name in ("dev", "staging", "prod")}
    assert {name: entry["enabled"] for name, entry in nightly.items()} == {
        "dev": False,
        "staging": True,
        "prod": False,
    }
    assert nightly["staging"] == {
        "name": "every night",
        "pipeline": "sales",
        "interval": "@daily",
        "enabled": True,
        "startTime": "2024-01-01T00:00:00+00:00",
        "timeout": 600,
        "skipIfPreviousRunning": True,
        "sla": 3600,
        "variables": {"days": 2},
    }


def test_a_trigger_without_environments_fires_in_the_last_one(template: Path, triggered: Path) -> None:
    adopt(template, triggered)
    enabled = {name: schedules_of(template, name)["by-hand"]["enabled"] for name in ("dev", "staging", "prod")}
    assert enabled == {"dev": False, "staging": False, "prod": True}


def test_the_token_of_an_api_trigger_stays_out_of_git(template: Path, triggered: Path) -> None:
    told = adopt(template, triggered).stdout
    assert "create secret generic mage-triggers --from-literal=by-hand=…" in told
    assert "0123456789abcdef" not in told
    assert "0123456789abcdef" not in content(template, "environments/prod/values.yaml")


def test_what_of_a_trigger_cannot_be_kept_is_told(template: Path, triggered: Path) -> None:
    left = {each["path"]: each["why"] for each in plan_of(template, triggered)["left"]}
    assert "no event matchers" in left["trigger on arrival of sales"]


def test_a_trigger_of_a_running_mage_wins_over_the_file(
    template: Path, triggered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = {
        "pipeline_uuid": "sales",
        "schedule_type": "time",
        "schedule_interval": "@hourly",
        "status": "active",
    }
    made_there = [running | {"name": "every night"}, running | {"name": "x", "pipeline_uuid": "another"}]
    monkeypatch.setattr("promotion.commands.adopt.triggers_of", lambda url: made_there)
    result = call_script(template, "adopt", str(triggered), "--yes", "--triggers-from", "http://mage", "--json")
    staging = schedules_of(template, "staging")["every-night"]
    assert (staging["interval"], staging["enabled"]) == ("@hourly", True)
    assert "trigger x of another" in {left["path"] for left in result.document["adoption"]["left"]}
