"""What `helm test` tries, against real web servers: one as the chart starts it, and one that is careless."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from mage.cluster import Cluster, serving
from mage.pods import FILES, Database, Pod, copy_of, free_port, running
from mage.projects import Block, write_project
from mage_pod import health, release_test
from mage_pod.mage_api import ApiError, MageApi
from mage_pod.release_test import _ENDPOINTS, CheckFailed, Web, wait_for_web, web_checks
from runtime.postgres import Server

SCHEDULES = {
    "daily": {
        "pipeline": "good",
        "interval": "@daily",
        "enabled": False,
        "timeout": 60,
        "variables": {"share": 0.5},
    },
    "landing": {
        "name": "Nightly, by hand",
        "pipeline": "good",
        "interval": "@daily",
        "enabled": False,
        "timeout": 0,
        "startTime": "2026-12-01T07:30:00+01:00",
        "landingTimeEnabled": True,
        "skipIfPreviousRunning": True,
        "pipelineRunLimit": 2,
        "sla": 3600,
        "description": "for the accounts",
        "tags": ["nightly", "accounts"],
    },
    "landed": {
        "type": "event",
        "pipeline": "good",
        "enabled": False,
        "timeout": 60,
        "eventMatchers": [{"name": "landed", "pattern": {"source": ["aws.s3"]}}],
    },
}
OWNER = {"DEFAULT_OWNER_EMAIL": "owner@example.com", "DEFAULT_OWNER_USERNAME": "owner"}
EVERYTHING = "events,event-streams,analyses,status,terminal,metrics"
LOGIN = "the owner can log in"
DEFAULT = "Mage's well-known password does not let anybody in"
CLOSED = "what Mage serves without a login is closed"
HEAD = "the schema is at head"
AS_IN_VALUES = "schedules are as in values"
RIGHTS = {("create", "jobs"), ("get", "jobs"), ("delete", "jobs"), ("get", "pods"), ("list", "pods")}


@dataclass
class Release:
    """A running release, and the environment of its test pod."""

    database: Database
    environment: dict[str, str]

    @functools.cached_property
    def session(self) -> MageApi:
        """The owner's."""
        api = MageApi(self.environment["WEB_URL"])
        api.log_in(self.environment["OWNER_EMAIL"], self.environment["OWNER_PASSWORD"])
        return api

    def web(self, **variables: str) -> Web:
        """What a test pod does after it has logged in."""
        web = Web(self.environment | variables)
        web._api = self.session
        return web

    def runs(self) -> list[tuple[str, bool]]:
        """Each run's status, and whether it still has a trigger."""
        question = "SELECT status::text, pipeline_schedule_id IS NOT NULL FROM pipeline_run ORDER BY id"
        return [(status, has_trigger) for status, has_trigger in self.database.ask(question)]

    def test_triggers(self) -> list[tuple[object, ...]]:
        return self.database.ask("SELECT 1 FROM pipeline_schedule WHERE name = 'helm test'")


def make_project(folder: Path) -> Path:
    good = Block("load", "@data_loader\ndef load(*_, **__):\n    return [1]\n", type="data_loader")
    bad = Block(
        "spoil", "@data_loader\ndef load(*_, **__):\n    raise ValueError('no milk')\n", type="data_loader"
    )
    return write_project(folder, {"good": [good], "bad": [bad]})


def release(pod: Pod, database: Database, email: str, password: str) -> Release:
    schedules = pod.project.parent / "schedules.json"
    schedules.write_text(json.dumps(SCHEDULES))
    return Release(
        database,
        {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(FILES),
            "ENV": "dev",
            "MAGE_REPO_PATH": str(pod.project),
            "MAGE_DATA_DIR": str(pod.project.parent / "data"),
            "DB_URL": database.url,
            "WEB_URL": f"http://127.0.0.1:{pod.port}/data/mage",
            "OWNER_EMAIL": email,
            "OWNER_PASSWORD": password,
            "SCHEDULES_FILE": str(schedules),
            "TEST_TIMEOUT": "40",
        },
    )


def module(name: str, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", f"mage_pod.{name}", *arguments]
    return subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=90
    )


@pytest.fixture(scope="module")
def installed(template: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A release as the chart installs it, below a base path."""
    project = make_project(tmp_path_factory.mktemp("release"))
    with copy_of(template) as database, ExitStack() as pods:
        variables = OWNER | {"DEFAULT_OWNER_PASSWORD": "correct horse", "MAGE_BASE_PATH": "data/mage"}
        web = pods.enter_context(running(Pod("web", project, database, **variables)))
        scheduler = Pod("scheduler", project, database, SCHEDULER_TRIGGER_INTERVAL="1")
        pods.enter_context(running(scheduler))
        it = release(web, database, OWNER["DEFAULT_OWNER_EMAIL"], "correct horse")
        applied = module("schedules", it.environment, it.environment["SCHEDULES_FILE"])
        assert applied.returncode == 0, applied.stderr
        for pod in (web, scheduler):
            pod.wait_until_ready()
        yield it


@pytest.fixture(scope="module")
def careless(template: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """One with Mage's own owner, with every endpoint open, without schedules and without a scheduler."""
    project = make_project(tmp_path_factory.mktemp("careless"))
    with copy_of(template) as database:
        variables = {"MAGE_BASE_PATH": "data/mage", "WEB_OPEN": EVERYTHING}
        with running(Pod("web", project, database, **variables)) as web:
            web.wait_until_ready()
            yield release(web, database, "admin@admin.com", "admin")


def test_a_release_as_installed_passes_every_check(installed: Release) -> None:
    done = module("release_test", installed.environment | {"TEST_PIPELINE": "good"}, "web")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [
        f"ok     {name}"
        for name in ("the web answers", LOGIN, DEFAULT, CLOSED, HEAD, AS_IN_VALUES, "the pipeline good completes")
    ]


def test_without_a_pipeline_to_test_none_is_run(installed: Release) -> None:
    assert "TEST_PIPELINE" not in installed.environment
    assert set(web_checks(installed.environment)) == {LOGIN, DEFAULT, CLOSED, HEAD, AS_IN_VALUES}


def test_what_fails_makes_the_test_pod_fail_after_trying_the_rest(installed: Release) -> None:
    done = module("release_test", installed.environment | {"OWNER_PASSWORD": "hunter2"}, "web")
    assert done.returncode == 1
    assert f"FAILED {LOGIN}: " in done.stdout
    assert f"ok     {CLOSED}" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def failure(check: Callable[[], None]) -> str:
    """What the check says when it fails, as it must."""
    with pytest.raises(CheckFailed) as failed:
        check()
    return str(failed.value)


def test_a_wrong_password_is_told_with_its_fix(installed: Release) -> None:
    web = Web(installed.environment | {"OWNER_PASSWORD": "wrong"})
    assert "owner-password of the credentials Secret" in failure(web.owner_logs_in)


def test_a_web_that_does_not_answer_has_not_refused_the_default_password() -> None:
    with pytest.raises(ApiError, match="does not answer"):
        Web({"WEB_URL": f"http://127.0.0.1:{free_port()}"}).default_password_is_refused()


def test_a_web_that_is_not_there_is_told() -> None:
    said = failure(lambda: wait_for_web("http://127.0.0.1:1", seconds=0))
    assert "http://127.0.0.1:1 does not answer" in said


def test_a_web_that_lets_a_new_pod_through_late_is_waited_for() -> None:
    port = free_port()
    late = threading.Timer(1, health.serve, (port, {}))
    late.start()
    wait_for_web(f"http://127.0.0.1:{port}")
    assert late.finished.is_set()


def test_mage_s_default_owner_is_found(careless: Release) -> None:
    assert "admin@admin.com logs in" in failure(careless.web().default_password_is_refused)


def test_every_endpoint_that_is_open_is_found(careless: Release) -> None:
    said = failure(careless.web().endpoints_are_closed)
    paths = {path for name, paths in _ENDPOINTS.items() if name != "metrics" for path in paths}
    assert {path for path in paths if f"{path} (status " in said} == paths


def test_an_endpoint_that_values_open_may_be_open(careless: Release) -> None:
    careless.web(WEB_OPEN=EVERYTHING).endpoints_are_closed()


def test_a_schema_that_is_not_at_head_is_found(careless: Release, server: Server, database: str) -> None:
    assert "it is at None, not at" in failure(careless.web(DB_URL=server.url(database)).schema_is_at_head)


def test_a_schedule_that_is_no_trigger_is_found(careless: Release) -> None:
    assert "good has no trigger daily" in failure(careless.web().schedules_are_as_in_values)


@pytest.mark.parametrize(
    ("assignment", "field"),
    [
        ("status = 'ACTIVE'", "status"),
        ("schedule_interval = '@hourly'", "schedule_interval"),
        ("variables = '{}'", "variables.share"),
        ("settings = '{\"timeout\": 5}'", "settings.timeout"),
        ("sla = 5", "sla"),
        ("start_time = now()", "start_time"),
    ],
)
def test_a_trigger_that_is_not_as_in_values_is_found(installed: Release, assignment: str, field: str) -> None:
    ((before,),) = installed.database.ask("SELECT to_jsonb(s) FROM pipeline_schedule s WHERE name = 'daily'")
    installed.database.ask(f"UPDATE pipeline_schedule SET {assignment} WHERE name = 'daily'")
    try:
        assert f"{field} of daily differs from values" in failure(installed.web().schedules_are_as_in_values)
    finally:
        column = field.partition(".")[0]
        value = before[column] if isinstance(before[column], str | None) else json.dumps(before[column])
        installed.database.ask(f"UPDATE pipeline_schedule SET {column} = %s WHERE name = 'daily'", value)


@pytest.fixture(scope="module")
def spoiled(installed: Release) -> str:
    """What it says of a pipeline that fails."""
    return failure(lambda: installed.web().completes("bad"))


def test_a_run_that_fails_is_told_with_its_block_and_reason(spoiled: str) -> None:
    assert "is failed. Blocks that failed: spoil: " in spoiled
    assert "no milk" in spoiled


@pytest.mark.usefixtures("spoiled")
def test_the_trigger_of_the_test_is_removed_whatever_becomes_of_its_run(installed: Release) -> None:
    assert installed.test_triggers() == []


def test_a_run_that_nobody_starts_is_given_up_and_cancelled(careless: Release) -> None:
    said = failure(lambda: careless.web(TEST_TIMEOUT="1").completes("good"))
    assert "is initial. Look at the scheduler's log" in said
    assert careless.runs() == [("CANCELLED", False)]


def test_an_unknown_pipeline_is_told(careless: Release) -> None:
    with pytest.raises(ApiError, match="nothing"):
        careless.web().completes("nothing")


def test_an_error_that_mage_sends_with_status_200_is_an_error(installed: Release) -> None:
    api = MageApi(installed.environment["WEB_URL"])
    with pytest.raises(ApiError, match="GET /api/pipelines"):
        api.call("GET", "/api/pipelines")


def executor(allowed: set[tuple[str, str]], folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    with serving(Cluster(allowed), folder / "account") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return release_test.main("executor", folder / "account")


def test_an_account_with_just_the_executor_s_rights_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert executor(RIGHTS, tmp_path, monkeypatch) == 0
    assert capsys.readouterr().out == "ok     the scheduler's account may run executor Jobs and nothing else\n"


@pytest.mark.parametrize("right", sorted(RIGHTS))
def test_a_right_that_the_executor_lacks_is_found(
    right: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert executor(RIGHTS - {right}, tmp_path, monkeypatch) == 1
    assert f"it may not {right[0]} {right[1]}. " in capsys.readouterr().out


@pytest.mark.parametrize("right", [("get", "secrets"), ("create", "pods/exec"), ("*", "*"), ("list", "jobs")])
def test_a_right_too_many_is_found(
    right: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert executor(RIGHTS | {right}, tmp_path, monkeypatch) == 1
    assert f"it may {right[0]} {right[1]}. " in capsys.readouterr().out
