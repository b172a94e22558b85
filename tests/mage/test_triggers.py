"""Triggers that people made in Mage's UI: read over the API, converted, applied elsewhere, the same again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from basics.errors import PromotionError
from helpers import PROJECT, call_script, git, make_clone, push, write
from mage.pods import FILES, Database, Pod, copy_of, free_port, running
from mage.projects import Block, write_project
from mage_pod.mage_api import MageApi
from promotion.adopting.plan import EXAMPLES_ID
from promotion.triggers.conversion import convert
from promotion.triggers.running_mage import EMAIL, PASSWORD, triggers_of

OWNER = {"DEFAULT_OWNER_EMAIL": "owner@example.com", "DEFAULT_OWNER_USERNAME": "owner"}
LOGIN = {EMAIL: "owner@example.com", PASSWORD: "correct horse"}
SETTINGS = {
    "skip_if_previous_running": True,
    "allow_blocks_to_fail": True,
    "create_initial_pipeline_run": True,
    "pipeline_run_limit": 2,
    "timeout": 90,
    "timeout_status": "cancelled",
}
BY_HAND: dict[str, dict[str, Any]] = {
    **{
        word: {"schedule_type": "time", "schedule_interval": f"@{word}"}
        for word in ("once", "hourly", "always_on")
    },
    "By the clock, all of it": {
        "schedule_type": "time",
        "schedule_interval": "*/15 6-18 * * mon-fri",
        "status": "active",
        "start_time": "2026-12-01 06:30:00",
        "sla": 3600,
        "settings": SETTINGS,
        "variables": {"days": 2, "text": "$(HOME) $$ é\n0123", "deep": {"list": [1, None, True]}},
        "description": "for the accounts",
        "tags": ["nightly", "accounts"],
    },
    "lands": {
        "schedule_type": "time",
        "schedule_interval": "@weekly",
        "start_time": "2026-12-01 06:30:00",
        "settings": {"landing_time_enabled": True},
    },
    "called": {"schedule_type": "api", "status": "active", "settings": {"timeout": 60}},
    "landed": {
        "schedule_type": "event",
        "event_matchers": [{"name": "landed", "pattern": {"source": ["aws.s3"], "detail": {"key": ["a", "b"]}}}],
    },
}
# What says where a trigger is and what happened to it.
OF_THE_PLACE = {"id", "created_at", "updated_at", "last_enabled_at", "token", "next_pipeline_run_date"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    blocks = [Block("one", "@custom\ndef one(*args, **kwargs):\n    return [1]\n", type="custom")]
    return write_project(tmp_path_factory.mktemp("triggers"), {"orders": blocks, "stock": blocks})


@pytest.fixture(scope="module")
def source(template: Database, project: Path) -> Iterator[str]:
    """A Mage as `mage start` starts it, without a login; people made triggers in its UI."""
    with (
        copy_of(template) as database,
        running(Pod("web", project, database, REQUIRE_USER_AUTHENTICATION="0")) as web,
    ):
        web.wait_until_ready()
        url = f"http://127.0.0.1:{web.port}"
        api = MageApi(url)
        for pipeline in ("orders", "stock"):
            for name, content in BY_HAND.items():
                path = f"/api/pipelines/{pipeline}/pipeline_schedules"
                number = api.call("POST", path, {"pipeline_schedule": {"name": name}})["pipeline_schedule"]["id"]
                change = {"pipeline_schedule": {"id": number, **content}}
                api.call("PUT", f"/api/pipeline_schedules/{number}", change)
        yield url


@pytest.fixture(scope="module")
def target(template: Database, project: Path, source: str) -> Iterator[str]:
    """A Mage of ours that asks for a login, with the schedules that the triggers became."""
    converted, dropped = convert(triggers_of(source, {}))
    assert dropped == []
    tokens = project.parent / "tokens"
    tokens.mkdir()
    for schedule in converted:
        if schedule.token:
            (tokens / schedule.key).write_text(schedule.token)
    file = project.parent / "schedules.json"
    file.write_text(json.dumps({schedule.key: schedule.entry for schedule in converted}))
    with copy_of(template) as database:
        variables = OWNER | {"DEFAULT_OWNER_PASSWORD": LOGIN[PASSWORD]}
        with running(Pod("web", project, database, **variables)) as web:
            environment = {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(FILES),
                "HOME": str(project.parent),
                "DB_URL": database.url,
                "MAGE_REPO_PATH": str(project),
                "MAGE_DATA_DIR": str(project.parent / "data"),
            }
            command = [sys.executable, "-P", "-m", "mage_pod.schedules", str(file), str(tokens)]
            done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            web.wait_until_ready()
            yield f"http://127.0.0.1:{web.port}"


def by_name(triggers: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(trigger["pipeline_uuid"], trigger["name"]): trigger for trigger in triggers}


def plain(trigger: dict[str, Any]) -> dict[str, Any]:
    """Return what people see of a trigger, without what says where it is."""
    matchers = [(each["name"], each["pattern"]) for each in trigger["event_matchers"]]
    settings = {key: value for key, value in (trigger["settings"] or {}).items() if value}
    same = {key: value or None for key, value in trigger.items() if key not in OF_THE_PLACE}
    return same | {"event_matchers": matchers, "settings": settings, "tags": sorted(trigger["tags"])}


def test_every_trigger_is_the_same_in_the_second_mage(source: str, target: str) -> None:
    before, after = by_name(triggers_of(source, {})), by_name(triggers_of(target, LOGIN))
    assert set(after) == set(before) == {(pipeline, name) for pipeline in ("orders", "stock") for name in BY_HAND}
    for key, trigger in before.items():
        told = plain(trigger)
        if not told["description"]:  # then ours says where to change it
            assert "in the values of" in after[key].pop("description")
            told.pop("description")
        assert plain(after[key]) == told


def test_an_api_trigger_keeps_the_token_that_callers_know(source: str, target: str) -> None:
    before, after = by_name(triggers_of(source, {})), by_name(triggers_of(target, LOGIN))
    for pipeline in ("orders", "stock"):
        assert after[pipeline, "called"]["token"] == before[pipeline, "called"]["token"]


def test_an_adoption_brings_them_as_schedules(source: str, project: Path, tmp_path: Path) -> None:
    clone = make_clone(tmp_path)
    write(clone, {f"{PROJECT}/metadata.yaml": f"{EXAMPLES_ID}\n"})
    push(clone)
    result = call_script(clone, "adopt", str(project), "--yes", "--triggers-from", source, "--json")
    assert result.exit_code == 0, result.stderr
    converted, _ = convert(triggers_of(source, {}))
    brought = git(clone, "show", f"{result.document['adoption']['branch']}:environments/prod/values.yaml")
    schedules = yaml.safe_load(brought)["schedules"]
    assert schedules.keys() == {schedule.key for schedule in converted}
    assert {schedule["pipeline"] for schedule in schedules.values()} == {"orders", "stock"}
    for schedule in converted:
        assert {**schedules[schedule.key], "enabled": None} == {**schedule.entry, "enabled": None}
        assert not schedule.token or schedule.token not in brought + result.stdout
    assert by_name(triggers_of(source, {})).keys() == {(p, name) for p in ("orders", "stock") for name in BY_HAND}


@pytest.mark.parametrize("login", [{}, {EMAIL: "owner@example.com"}, LOGIN | {PASSWORD: "battery staple"}])
def test_a_mage_that_asks_for_a_login_tells_nothing_without_it(target: str, login: dict[str, str]) -> None:
    with pytest.raises(PromotionError) as refusal:
        triggers_of(target, login)
    assert refusal.value.code == "mage-not-readable"
    assert EMAIL in refusal.value.fix
    assert "battery staple" not in str(refusal.value)


def test_nobody_is_asked_for_a_password_where_nobody_answers() -> None:
    with pytest.raises(PromotionError, match="does not answer") as refusal:
        triggers_of(f"http://127.0.0.1:{free_port()}", LOGIN)
    assert refusal.value.code == "mage-not-readable"
