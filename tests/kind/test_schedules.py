"""Schedules from values on a cluster: applied, fired, changed, set back; and no pod restarts for it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from basics.process import CommandError
from kind.cluster import eventually
from kind.release import OWNER, Release, mounted_project
from mage.projects import Block, write_project
from mage_pod.mage_api import MageApi

PIPELINE = "tick"
CODE = "@custom\ndef tick(*args, **kwargs):\n    return [1]\n"
EACH_MINUTE, MINUTE = "* * * * *", timedelta(minutes=1)
LATE = timedelta(seconds=10)
SECONDS = 240  # a minute to wait for, and its run on a busy machine
Schedules = dict[str, dict[str, Any]]


def schedule(interval: str, enabled: bool = True, **variables: str) -> dict[str, Any]:
    told = {"pipeline": PIPELINE, "interval": interval, "enabled": enabled}
    return told | {"timeout": 300, "variables": variables}


CALLED = {"type": "api", "pipeline": PIPELINE, "enabled": True, "timeout": 300, "variables": {}}
FIRST: Schedules = {
    "kept": schedule(EACH_MINUTE),
    "paused": schedule(EACH_MINUTE),
    "removed": schedule("@daily"),
    "removed-with-runs": schedule(EACH_MINUTE),
    "changed": schedule("@daily", region="north"),
    "called": CALLED,
}
SECOND: Schedules = {
    "kept": schedule(EACH_MINUTE),
    "paused": schedule(EACH_MINUTE, enabled=False),
    "changed": schedule("@weekly", region='south $(HOME) $$ "é"\n0123'),
    "called": CALLED,
    "added": schedule("30 2 * * *"),
}


@dataclass(frozen=True)
class State:
    """What helm left: triggers as Mage's API shows them, what the Job said, each pod's restarts; and when."""

    triggers: Schedules
    log: str
    pods: dict[str, int]
    at: datetime


def look(release: Release) -> State:
    pods = [pod for component in ("web", "scheduler", "postgres") for pod in release.pods(component)]
    restarts = {pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods}
    return State(triggers(release), release.logs("schedules"), restarts, datetime.now(UTC))


def rows(release: Release) -> dict[str, dict[str, Any]]:
    api = MageApi(release.url())
    api.log_in(OWNER, release.credential("owner-password"))  # until Mage writes something it keeps the rows it has
    answer = api.call("GET", f"/api/pipelines/{PIPELINE}/pipeline_schedules")
    return {row["name"]: row for row in answer["pipeline_schedules"]}


def triggers(release: Release) -> Schedules:
    """Return the triggers as values would say them."""
    return {
        name: {
            "pipeline": row["pipeline_uuid"],
            "enabled": row["status"] == "active",
            "timeout": row["settings"]["timeout"],
            "variables": row["variables"],
        }
        | ({"type": "api"} if row["schedule_type"] == "api" else {"interval": row["schedule_interval"]})
        for name, row in rows(release).items()
    }


def runs(release: Release) -> list[dict[str, Any]]:
    answer = release.api().call("GET", f"/api/pipeline_runs?pipeline_uuid={PIPELINE}&_limit=200")
    return list(answer["pipeline_runs"])


def moments(release: Release, name: str, column: str = "execution_date") -> list[datetime]:
    """Return when the trigger's runs were due, or started; the oldest first."""
    ours = [run for run in runs(release) if run["pipeline_schedule_name"] == name and run[column]]
    return sorted(datetime.fromisoformat(run[column]).replace(tzinfo=UTC) for run in ours)


@pytest.fixture(scope="module")
def release(releases: Callable[..., Release], tmp_path_factory: pytest.TempPathFactory) -> Release:
    release = releases("en-schedules")
    folder = write_project(tmp_path_factory.mktemp("tick"), {PIPELINE: [Block("one", CODE, type="custom")]})
    return release.install(mounted_project(release.namespace, folder), {"env": "dev", "schedules": FIRST})


@pytest.fixture(scope="module")
def first(release: Release) -> State:
    return look(release)


@pytest.fixture(scope="module")
def second(release: Release, first: State) -> State:
    """After the upgrade to other schedules, when each has run that runs at all."""
    names = {name for name in FIRST if FIRST[name].get("interval") == EACH_MINUTE}

    def each_has_run() -> bool:
        return names <= {run["pipeline_schedule_name"] for run in runs(release) if run["completed_at"]}

    eventually(each_has_run, "a run of each", SECONDS, pause=2)
    release.values |= {"schedules": SECOND}
    release.upgrade()
    return look(release)


@pytest.fixture(scope="module")
def complaint(release: Release, second: State) -> str:
    """What `helm test` says after a change in the UI."""
    number = rows(release)["changed"]["id"]
    change = {"pipeline_schedule": {"id": number, "schedule_interval": "@monthly"}}
    release.api().call("PUT", f"/api/pipeline_schedules/{number}", change)
    with pytest.raises(CommandError) as failure:
        release.namespace.helm("test", release.name, "--logs")
    return failure.value.stdout


@pytest.fixture(scope="module")
def third(release: Release, complaint: str) -> State:
    """After the same upgrade once more."""
    release.upgrade()
    return look(release)


def test_schedules_are_applied(first: State) -> None:
    assert first.triggers == FIRST


def test_a_call_with_the_token_of_the_secret_starts_a_run(release: Release, second: State) -> None:
    (address,) = re.findall(r"called is started by POST (\S+) with its token", second.log)
    token = release.credential("called-trigger-token")
    assert token not in second.log
    for secret, accepted in (("wrong", False), (token, True)):
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        _, answer = MageApi(release.url()).request("POST", address, {"pipeline_run": {}}, headers)
        assert ('"pipeline_run"' in answer) is accepted  # Mage refuses with status 200 and an empty answer
    assert release.ended(json.loads(answer)["pipeline_run"]["id"])["status"] == "completed"


def test_the_token_stays_at_an_upgrade(release: Release, first: State, third: State) -> None:
    assert rows(release)["called"]["token"] == release.credential("called-trigger-token")
    assert "called: " not in third.log


def test_a_run_starts_when_it_is_due(release: Release, second: State) -> None:
    due, started = moments(release, "kept")[0], moments(release, "kept", "started_at")[0]
    assert timedelta() <= started - due < LATE


def test_schedules_are_changed_paused_and_added(second: State) -> None:
    assert {name: second.triggers.get(name) for name in SECOND} == SECOND


def test_a_schedule_that_never_ran_is_removed(second: State) -> None:
    assert "removed" not in second.triggers


def test_a_removed_schedule_with_runs_is_paused_and_keeps_them(release: Release, second: State) -> None:
    assert second.triggers["removed-with-runs"]["enabled"] is False
    assert moments(release, "removed-with-runs")


def test_the_job_says_what_it_did(second: State) -> None:
    for line in (
        "created added",
        "changed: schedule_interval was @daily, now @weekly",
        "paused: status was active, now inactive",
        "deleted removed",
        "paused removed-with-runs, gone from values",
    ):
        assert line in second.log


def test_what_was_paused_or_removed_runs_no_more(release: Release, second: State) -> None:
    eventually(lambda: moments(release, "kept")[-1] > second.at, "another run", SECONDS, pause=2)
    late = [name for name in ("paused", "removed-with-runs") if moments(release, name)[-1] > second.at]
    assert late == []


def test_a_change_by_hand_is_reported(complaint: str) -> None:
    assert "FAILED schedules are as in values: schedule_interval of changed differs from values" in complaint


def test_a_change_by_hand_is_set_back(third: State) -> None:
    assert "changed: schedule_interval was @monthly, set back to @weekly" in third.log
    assert third.triggers["changed"] == SECOND["changed"]


def test_no_pod_restarts_for_schedules(first: State, third: State) -> None:
    assert third.pods == first.pods


def test_every_minute_has_one_run(release: Release, third: State) -> None:
    due = moments(release, "kept")
    assert due == [due[0] + number * MINUTE for number in range(len(due))]
