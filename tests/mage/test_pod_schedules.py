"""Schedules from values as triggers in Mage's own database, with Mage's own verdict on what is due."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from helpers import Program
from mage.pods import FILES, Database, copy_of
from mage.projects import Block, write_project
from mage_pod.waiting import until
from promotion.changes.forecast import forecast
from promotion.configuration.interval import times
from promotion.configuration.schedule import Schedule

# Answers `apply`, `due`, `next` and `event` without importing Mage each time anew.
_CONSOLE = """\
import contextlib, io, json, os, sys
from mage_pod import schedules
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
for line in sys.stdin:
    verb, argument = json.loads(line)
    if verb == "apply":
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = schedules.main(*argument)
        answer = [code, out.getvalue(), err.getvalue()]
    elif verb == "event":
        from mage_ai.orchestration.db.models.schedules import PipelineRun
        from mage_ai.orchestration.triggers.event_trigger import EventTrigger
        before = PipelineRun.query.count()
        with contextlib.redirect_stdout(io.StringIO()):
            EventTrigger().run(argument)
        answer = PipelineRun.query.count() - before
    else:
        from mage_ai.orchestration.db import db_connection
        from mage_ai.orchestration.db.models.schedules import PipelineSchedule
        trigger = PipelineSchedule.query.filter_by(name=argument).one()
        answer = trigger.should_schedule() if verb == "due" else trigger.next_execution_date().isoformat()
        db_connection.session.rollback()
    answers.write(json.dumps(answer) + "\\n")
"""


PIPELINES = ("orders", "stock")
_MATCHED = "pipeline_schedule_event_matcher_association"


class Environment:
    """One environment: its project, its database, and a process that has Mage imported."""

    def __init__(self, project: Path, database: Database) -> None:
        self.project, self.database = project, database
        self.variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(FILES),
            "ENV": "staging",
            "DB_URL": database.url,
            "MAGE_REPO_PATH": str(project),
            "MAGE_DATA_DIR": str(project.parent / "data"),
            "HOME": str(project.parent),
        }
        console, quiet = [sys.executable, "-P", "-c", _CONSOLE], subprocess.DEVNULL
        self.process = Program(*console, environment=self.variables, stdin=subprocess.PIPE, stderr=quiet)

    def call(self, verb: str, argument: str | list[str] | dict[str, Any]) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([verb, argument]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.line())

    def file(self, wanted: dict[str, Any]) -> str:
        file = self.project.parent / "schedules.json"
        file.write_text(json.dumps(wanted))
        return str(file)

    def apply(self, **wanted: dict[str, Any]) -> list[str]:
        """Apply the schedules and return what it printed."""
        return self.apply_with({}, wanted)

    def apply_with(self, tokens: dict[str, str], wanted: dict[str, Any]) -> list[str]:
        """Apply the schedules with tokens from Secrets."""
        code, output, errors = self.call("apply", [self.file(wanted), *self.folder(tokens)])
        assert code == 0, errors
        return [line for line in output.splitlines() if not line.startswith("DBT library")]

    def refused(self, **wanted: dict[str, Any]) -> str:
        code, _, errors = self.call("apply", [self.file(wanted)])
        assert code == 1
        return str(errors)

    def folder(self, tokens: dict[str, str]) -> list[str]:
        """Return the folder of the tokens, as a Secret is mounted; none without tokens."""
        folder = self.project.parent / "tokens"
        folder.mkdir(exist_ok=True)
        for key, token in tokens.items():
            (folder / key).write_text(token)
        return [str(folder)] if tokens else []

    def is_due(self, name: str) -> bool:
        """Whether Mage would start a run now."""
        due = self.call("due", name)
        assert isinstance(due, bool)
        return due

    def next_run(self, name: str) -> datetime:
        """When Mage would start the next run."""
        return datetime.fromisoformat(self.call("next", name))

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.database.ask(question, *values)

    def column(self, name: str, column: str) -> Any:
        ((value,),) = self.ask(f"SELECT {column} FROM pipeline_schedule WHERE name = %s", name)
        return value

    def triggers(self) -> list[tuple[Any, ...]]:
        return self.ask("SELECT name, pipeline_uuid, schedule_interval, status FROM pipeline_schedule ORDER BY id")

    def tags(self) -> list[str]:
        """The tags of all triggers."""
        question = "SELECT name FROM tag JOIN tag_association t ON t.tag_id = tag.id ORDER BY name"
        return [name for (name,) in self.ask(question)]

    def change(self, name: str, assignment: str) -> None:
        """Change a trigger as the UI does."""
        self.ask(f"UPDATE pipeline_schedule SET {assignment} WHERE name = %s", name)

    def make_by_hand(self, name: str, pipeline: str = "orders") -> int:
        ((number,),) = self.ask(
            "INSERT INTO pipeline_schedule"
            " (name, pipeline_uuid, repo_path, schedule_type, schedule_interval, status)"
            " VALUES (%s, %s, %s, 'TIME', '@hourly', 'INACTIVE') RETURNING id",
            name,
            pipeline,
            str(self.project),
        )
        assert isinstance(number, int)
        return number

    def ran(self, name: str, status: str) -> None:
        """Give the trigger a run."""
        self.ask(
            "INSERT INTO pipeline_run (pipeline_schedule_id, pipeline_uuid, status, execution_date)"
            " SELECT id, pipeline_uuid, %s::pipelinerunstatus, now() FROM pipeline_schedule WHERE name = %s",
            status,
            name,
        )

    def let_it_be_due(self, name: str) -> None:
        """Let the trigger have been enabled long ago, so that its current interval is due."""
        self.change(name, "last_enabled_at = now() - interval '40 days'")
        assert self.is_due(name)


@pytest.fixture(scope="module")
def shared(template: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    code = "@transformer\ndef nothing(*_): pass"
    pipelines = {name: [Block(f"load_{name}", code)] for name in PIPELINES}
    project = write_project(tmp_path_factory.mktemp("schedules"), pipelines)
    with copy_of(template) as database:
        environment = Environment(project, database)
        yield environment
        environment.process.end()


@pytest.fixture
def site(shared: Environment) -> Environment:
    """An environment that has no trigger."""
    for table in ("block_run", "pipeline_run", _MATCHED, "event_matcher", "tag_association", "pipeline_schedule"):
        shared.ask(f"DELETE FROM {table}")
    shared.ask("DROP TABLE IF EXISTS schedules_from_values")
    return shared


def schedule(pipeline: str = "orders", interval: str = "@daily", **more: Any) -> dict[str, Any]:
    return {"pipeline": pipeline, "interval": interval, "enabled": True, "timeout": 600, "variables": {}} | more


def test_a_new_schedule_becomes_a_trigger(site: Environment) -> None:
    assert site.apply(daily=schedule(variables={"share": 0.5})) == [
        "created daily (orders @daily, active)",
        "unchanged 0",
    ]
    assert site.triggers() == [("daily", "orders", "@daily", "ACTIVE")]
    assert site.column("daily", "settings") == {"timeout": 600}
    assert site.column("daily", "variables") == {"share": 0.5}
    assert site.column("daily", "repo_path") == str(site.project)


EVERYTHING: dict[str, Any] = {
    "name": "Nightly, by hand",
    "type": "time",
    "startTime": "2026-12-01T07:30:00+01:00",
    "landingTimeEnabled": True,
    "createInitialPipelineRun": True,
    "skipIfPreviousRunning": True,
    "allowBlocksToFail": True,
    "pipelineRunLimit": 2,
    "timeoutStatus": "cancelled",
    "sla": 3600,
    "description": "for the accounts",
    "tags": ["nightly", "accounts"],
}


def test_all_settings_of_a_schedule_are_those_of_the_trigger(site: Environment) -> None:
    site.apply(daily=schedule(**EVERYTHING))
    ((name, start, sla, description, settings),) = site.ask(
        "SELECT name, start_time AT TIME ZONE 'UTC', sla, description, settings FROM pipeline_schedule"
    )
    assert (name, sla, description) == ("Nightly, by hand", 3600, "for the accounts")
    assert start == datetime(2026, 12, 1, 6, 30)
    assert settings == {
        "timeout": 600,
        "timeout_status": "cancelled",
        "skip_if_previous_running": True,
        "allow_blocks_to_fail": True,
        "create_initial_pipeline_run": True,
        "landing_time_enabled": True,
        "pipeline_run_limit": 2,
    }
    assert site.tags() == ["accounts", "nightly"]
    assert site.apply(daily=schedule(**EVERYTHING)) == ["unchanged 1"]


def test_settings_that_are_gone_from_values_are_gone_from_the_trigger(site: Environment) -> None:
    site.apply(daily=schedule(**EVERYTHING))
    site.apply(daily=schedule())
    assert site.column("daily", "settings") == {"timeout": 600}
    assert site.column("daily", "start_time") is None
    assert site.tags() == []


def test_without_a_timeout_the_trigger_has_none(site: Environment) -> None:
    site.apply(daily=schedule(timeout=0))
    assert site.column("daily", "settings") == {}


def called(**more: Any) -> dict[str, Any]:
    return {"type": "api", "pipeline": "orders", "enabled": True, "timeout": 600} | more


def test_an_api_trigger_has_the_token_of_its_secret_and_says_where_it_is_called(site: Environment) -> None:
    lines = site.apply_with({"call": "t0ken"}, {"call": called()})
    address = (
        f"call is started by POST /api/pipeline_schedules/{site.column('call', 'id')}/api_trigger with its token"
    )
    assert lines == ["created call (orders api, active)", "unchanged 0", address]
    assert site.column("call", "schedule_type") == "API"
    assert site.column("call", "token") == "t0ken"
    assert site.apply_with({"call": "t0ken"}, {"call": called()}) == ["unchanged 1", address]


def test_a_token_that_was_rotated_in_the_ui_is_set_back_and_not_printed(site: Environment) -> None:
    site.apply_with({"call": "t0ken"}, {"call": called()})
    site.change("call", "token = 'rotated'")
    (line, *_) = site.apply_with({"call": "t0ken"}, {"call": called()})
    assert line == "call: token was another, now that of its Secret"
    assert site.column("call", "token") == "t0ken"
    ((applied,),) = site.ask("SELECT applied::text FROM schedules_from_values")
    assert "t0ken" not in applied


def test_without_a_folder_of_tokens_mage_makes_one_that_stays(site: Environment) -> None:
    site.apply(call=called())
    token = site.column("call", "token")
    assert token
    site.apply(call=called(timeout=5))
    assert site.column("call", "token") == token


@pytest.mark.parametrize("token", ["", "two words", "line\n", "x" * 256])
def test_a_token_that_no_client_could_send_is_refused_and_not_shown(site: Environment, token: str) -> None:
    code, _, errors = site.call("apply", [site.file({"call": called()}), *site.folder({"call": token})])
    assert (code, site.triggers()) == (1, [])
    assert errors.startswith("schedules.call.token: ")
    assert "two words" not in errors


LANDED = {"name": "landed", "pattern": {"source": ["aws.s3"], "detail": {"bucket": {"name": ["lake"]}}}}


def happened(*matchers: dict[str, Any]) -> dict[str, Any]:
    return called(type="event", eventMatchers=list(matchers))


def matchers(site: Environment) -> list[tuple[Any, ...]]:
    return site.ask(
        "SELECT s.name, m.name, m.pattern FROM event_matcher m"
        " LEFT JOIN pipeline_schedule_event_matcher_association a ON a.event_matcher_id = m.id"
        " LEFT JOIN pipeline_schedule s ON s.id = a.pipeline_schedule_id ORDER BY s.name, m.name"
    )


def test_an_event_trigger_has_its_matchers(site: Environment) -> None:
    site.apply(load=happened(LANDED, LANDED | {"name": "again"}))
    assert [row[:2] for row in matchers(site)] == [("load", "again"), ("load", "landed")]
    assert matchers(site)[1][2] == LANDED["pattern"]
    assert site.apply(load=happened(LANDED | {"name": "again"}, LANDED)) == ["unchanged 1"]


def test_an_event_starts_a_run(site: Environment) -> None:
    site.apply(load=happened(LANDED))
    assert site.call("event", {"source": "aws.s3", "detail": {"bucket": {"name": "other"}}}) == 0
    assert site.call("event", {"source": "aws.s3", "detail": {"bucket": {"name": "lake"}}}) == 1


def test_a_matcher_that_is_gone_from_values_is_gone_unless_another_trigger_has_it(site: Environment) -> None:
    site.apply(load=happened(LANDED), keep=happened(LANDED))
    site.ask(
        "UPDATE pipeline_schedule_event_matcher_association SET event_matcher_id ="
        " (SELECT min(id) FROM event_matcher)"
    )  # the UI can give one matcher to several triggers
    (line, *_) = site.apply(load=happened(LANDED | {"name": "other"}), keep=happened(LANDED))
    assert line.startswith("load: event_matchers was [")
    assert [row[:2] for row in matchers(site) if row[0]] == [("keep", "landed"), ("load", "other")]
    site.apply()
    assert [row for row in matchers(site) if row[0]] == []


def test_the_trigger_s_description_says_where_to_change_it(site: Environment) -> None:
    site.apply(daily=schedule())
    assert "schedules.daily in the values of staging" in site.column("daily", "description")


@pytest.mark.parametrize("interval", ["@hourly", "@daily", "@weekly", "@monthly", "* * * * *"])
def test_a_new_trigger_does_not_run_for_the_interval_that_has_begun(site: Environment, interval: str) -> None:
    site.apply(daily=schedule(interval=interval))
    assert not site.is_due("daily")
    site.let_it_be_due("daily")


def test_a_second_time_changes_nothing(site: Environment) -> None:
    site.apply(daily=schedule(), hourly=schedule("stock", "@hourly"))
    before = site.ask("SELECT * FROM pipeline_schedule ORDER BY id")
    assert site.apply(daily=schedule(), hourly=schedule("stock", "@hourly")) == ["unchanged 2"]
    assert site.ask("SELECT * FROM pipeline_schedule ORDER BY id") == before


def test_a_due_run_of_an_unchanged_trigger_is_not_lost(site: Environment) -> None:
    site.apply(daily=schedule())
    site.let_it_be_due("daily")
    site.apply(daily=schedule())
    assert site.is_due("daily")


def test_a_due_run_is_not_lost_to_a_change_of_what_has_nothing_to_do_with_time(site: Environment) -> None:
    site.apply(daily=schedule())
    site.let_it_be_due("daily")
    lines = site.apply(daily=schedule(timeout=60, variables={"x": 1}))
    assert lines == [
        "daily: settings.timeout was 600, now 60",
        "daily: variables.x was unset, now 1",
        "unchanged 0",
    ]
    assert site.is_due("daily")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"interval": "@hourly"}, "daily: schedule_interval was @daily, now @hourly"),
        ({"pipeline": "stock"}, "daily: pipeline_uuid was orders, now stock"),
    ],
)
def test_a_changed_interval_or_pipeline_waits_for_its_next_turn(
    site: Environment, change: dict[str, str], line: str
) -> None:
    site.apply(daily=schedule())
    site.let_it_be_due("daily")
    assert site.apply(daily=schedule() | change) == [line, "unchanged 0"]
    assert not site.is_due("daily")


def test_a_schedule_is_paused(site: Environment) -> None:
    site.apply(daily=schedule())
    site.let_it_be_due("daily")
    assert site.apply(daily=schedule(enabled=False)) == ["daily: status was active, now inactive", "unchanged 0"]
    assert not site.is_due("daily")


def test_a_resumed_trigger_waits_for_its_next_turn(site: Environment) -> None:
    site.apply(daily=schedule())
    site.let_it_be_due("daily")
    site.apply(daily=schedule(enabled=False))
    assert site.apply(daily=schedule()) == ["daily: status was inactive, now active", "unchanged 0"]
    assert not site.is_due("daily")


def test_runs_that_waited_for_a_paused_trigger_do_not_start_with_it(site: Environment) -> None:
    site.apply(daily=schedule(enabled=False))
    site.ran("daily", "INITIAL")
    assert "daily: cancelled 1 run(s) that waited while it was paused" in site.apply(daily=schedule())
    assert site.ask("SELECT status FROM pipeline_run") == [("CANCELLED",)]


def test_a_schedule_that_is_gone_and_never_ran_is_deleted(site: Environment) -> None:
    site.apply(daily=schedule(), hourly=schedule("stock"))
    assert site.apply(hourly=schedule("stock")) == ["deleted daily", "unchanged 1"]
    assert [name for name, *_ in site.triggers()] == ["hourly"]


@pytest.mark.parametrize("status", ["RUNNING", "COMPLETED"])
def test_a_schedule_that_is_gone_keeps_its_runs(site: Environment, status: str) -> None:
    site.apply(daily=schedule())
    site.ran("daily", status)
    (line, _) = site.apply()
    assert line == "paused daily, gone from values: it has 1 run(s), which the UI would hide without it"
    assert site.triggers() == [("daily", "orders", "@daily", "INACTIVE")]
    joined = "SELECT r.status FROM pipeline_run r JOIN pipeline_schedule s ON s.id = r.pipeline_schedule_id"
    assert site.ask(joined) == [(status,)]


def test_what_was_kept_for_its_runs_is_not_reported_again(site: Environment) -> None:
    site.apply(daily=schedule())
    site.ran("daily", "COMPLETED")
    site.apply()
    assert site.apply() == ["unchanged 0"]


def test_what_was_kept_for_its_runs_stays_paused(site: Environment) -> None:
    site.apply(daily=schedule())
    site.ran("daily", "COMPLETED")
    site.apply()
    site.change("daily", "status = 'ACTIVE'")
    site.apply()
    assert site.triggers() == [("daily", "orders", "@daily", "INACTIVE")]


def test_a_schedule_that_comes_back_continues_its_trigger(site: Environment) -> None:
    site.apply(daily=schedule())
    number = site.column("daily", "id")
    site.ran("daily", "COMPLETED")
    site.apply()
    assert "daily: status was inactive, now active" in site.apply(daily=schedule())
    assert site.column("daily", "id") == number


@pytest.mark.parametrize(
    ("assignment", "line"),
    [
        ("schedule_interval = '@hourly'", "daily: schedule_interval was @hourly, set back to @daily"),
        ("status = 'INACTIVE'", "daily: status was inactive, set back to active"),
        ("name = 'mine'", "daily: name was mine, set back to daily"),
        ("pipeline_uuid = 'stock'", "daily: pipeline_uuid was stock, set back to orders"),
        ("sla = 60", "daily: sla was 60, set back to unset"),
        ("settings = '{\"timeout\": 5}'", "daily: settings.timeout was 5, set back to 600"),
        ("variables = '{\"share\": 1}'", "daily: variables.share was 1, set back to 0.5"),
    ],
)
def test_a_change_made_in_the_ui_is_reported_and_set_back(site: Environment, assignment: str, line: str) -> None:
    wanted = schedule(variables={"share": 0.5})
    site.apply(daily=wanted)
    site.change("daily", assignment)
    assert site.apply(daily=wanted) == [line, "unchanged 0"]
    assert site.apply(daily=wanted) == ["unchanged 1"]


def test_a_change_in_the_ui_and_one_in_values_are_told_apart(site: Environment) -> None:
    site.apply(daily=schedule())
    site.change("daily", "sla = 60")
    lines = site.apply(daily=schedule(interval="@weekly"))
    assert lines[:2] == [
        "daily: schedule_interval was @daily, now @weekly",
        "daily: sla was 60, set back to unset",
    ]


def test_the_value_of_a_variable_that_is_not_from_values_is_not_printed(site: Environment) -> None:
    site.apply(daily=schedule())
    site.change("daily", 'variables = \'{"token": "hunter2"}\'')
    assert site.apply(daily=schedule()) == ["daily: variables.token was set, set back to unset", "unchanged 0"]


def test_a_setting_that_the_ui_writes_as_off_is_no_change(site: Environment) -> None:
    site.apply(daily=schedule())
    site.change("daily", 'settings = \'{"timeout": 600, "skip_if_previous_running": false}\'')
    assert site.apply(daily=schedule()) == ["unchanged 1"]


def test_a_trigger_deleted_in_the_ui_is_made_again(site: Environment) -> None:
    site.apply(daily=schedule())
    site.ask("DELETE FROM pipeline_schedule")
    (line, _) = site.apply(daily=schedule())
    assert line == "created daily (orders @daily, active), which was deleted in the UI"
    assert not site.is_due("daily")


def test_what_people_made_in_the_ui_is_left_alone_and_listed(site: Environment) -> None:
    site.make_by_hand("ad hoc")
    before = site.ask("SELECT * FROM pipeline_schedule")
    assert site.apply() == ["not in values: ad hoc (made in the UI)", "unchanged 0"]
    assert site.ask("SELECT * FROM pipeline_schedule") == before


def test_a_trigger_made_in_the_ui_for_the_same_pipeline_by_the_same_name_is_taken_over(site: Environment) -> None:
    number = site.make_by_hand("daily")
    assert site.apply(daily=schedule())[:1] == ["daily: was made in the UI, now follows values"]
    assert site.column("daily", "id") == number
    assert site.triggers() == [("daily", "orders", "@daily", "ACTIVE")]
    assert not site.is_due("daily")


def test_one_by_the_same_name_for_another_pipeline_is_left_alone(site: Environment) -> None:
    site.make_by_hand("daily", "stock")
    assert "not in values: daily (made in the UI)" in site.apply(daily=schedule())
    assert site.triggers()[0] == ("daily", "stock", "@hourly", "INACTIVE")


def test_triggers_follow_a_project_that_moved(site: Environment) -> None:
    site.apply(daily=schedule())
    site.change("daily", "repo_path = '/elsewhere'")
    assert site.apply(daily=schedule())[0].startswith("daily: repo_path was /elsewhere, set back to ")
    assert len(site.triggers()) == 1


def test_an_unknown_pipeline_is_refused_and_nothing_changed(site: Environment) -> None:
    said = site.refused(a=schedule(), daily=schedule("order"))
    assert "schedules.daily.pipeline" in said
    assert "no pipeline order; it has orders, stock" in said
    assert site.triggers() == []


@pytest.mark.parametrize("interval", ["@fortnightly", "0 0 31 2 *"])
def test_an_interval_that_mage_does_not_know_is_refused_and_nothing_changed(
    site: Environment, interval: str
) -> None:
    said = site.refused(a=schedule(), b=schedule(interval=interval))
    assert f"schedules.b.interval: Mage does not know '{interval}'" in said
    assert site.triggers() == []


def test_a_change_to_a_day_that_never_comes_is_refused_too(site: Environment) -> None:
    site.apply(daily=schedule())
    assert "days that come" in site.refused(daily=schedule(interval="0 0 31 2 *"))
    assert site.triggers() == [("daily", "orders", "@daily", "ACTIVE")]


def test_after_a_refusal_the_next_time_succeeds(site: Environment) -> None:
    site.refused(b=schedule(interval="61 * * * *"))
    site.apply(b=schedule())
    assert len(site.triggers()) == 1


def planned(change: dict[str, Any] | None) -> Schedule | None:
    """Return the schedule as a plan reads it."""
    return Schedule("daily", change) if change else None


def test_the_next_run_is_the_one_that_a_plan_tells(site: Environment) -> None:
    for interval in ("@hourly", "@daily", "@weekly", "@monthly", "*/7 3-5 * * mon,fri", "0 0 13 * fri"):
        site.apply(daily=schedule(interval=interval))
        first, found, last = datetime.now(UTC), site.next_run("daily"), datetime.now(UTC)
        assert found in {next(times(interval, first)), next(times(interval, last))}


YEARLY = "0 4 1 7 *"


@pytest.mark.parametrize("after", ["@once", "@always_on", YEARLY])
@pytest.mark.parametrize("before", [None, "@once", "@always_on", YEARLY])
@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("change", [{}, {"pipeline": "stock"}, {"timeout": 5}, {"enabled": False}])
def test_what_a_plan_says_starts_at_once_is_what_mage_starts(
    site: Environment, before: str | None, after: str, paused: bool, change: dict[str, Any]
) -> None:
    old = schedule(interval=before, enabled=not paused) if before else None
    new = schedule(interval=after) | change
    if old:
        site.apply(daily=old)
    if before == after and not paused:
        site.ran("daily", "COMPLETED" if "pipeline" in change else "RUNNING")
    site.apply(daily=new)
    assert site.is_due("daily") == bool(forecast(planned(old), planned(new), datetime.now(UTC)).at_once)


PAST, AHEAD = "2026-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"


@pytest.mark.parametrize("interval", ["@once", "@always_on", "@hourly", "@daily", "@weekly", "@monthly", YEARLY])
@pytest.mark.parametrize("more", [{}, {"startTime": PAST}, {"startTime": AHEAD}])
@pytest.mark.parametrize("begun", [False, True])
def test_with_a_start_too_mage_starts_at_once_what_a_plan_says(
    site: Environment, interval: str, more: dict[str, Any], begun: bool
) -> None:
    new = schedule(interval=interval) | more | ({"createInitialPipelineRun": True} if begun else {})
    site.apply(daily=new)
    assert site.is_due("daily") == bool(forecast(None, planned(new), datetime.now(UTC)).at_once)


@pytest.mark.parametrize("interval", ["@hourly", "@daily", "@weekly", "@monthly"])
@pytest.mark.parametrize("hours", [-49, -5, -1, 1, 5, 49])
@pytest.mark.parametrize("more", [{}, {"createInitialPipelineRun": True}])
def test_with_a_landing_time_mage_starts_at_once_what_a_plan_says(
    site: Environment, interval: str, hours: int, more: dict[str, Any]
) -> None:
    now = datetime.now(UTC)
    start = (now.replace(year=now.year - 1) + timedelta(hours=hours, minutes=hours)).isoformat()
    new = schedule(interval=interval, startTime=start, landingTimeEnabled=True) | more
    site.apply(daily=new)
    assert site.is_due("daily") == bool(forecast(None, planned(new), now).at_once)


@pytest.mark.parametrize(("interval", "status"), [("@once", "COMPLETED"), ("@always_on", "RUNNING")])
def test_a_run_that_was_or_is_keeps_it_from_starting_at_once(
    site: Environment, interval: str, status: str
) -> None:
    site.apply(daily=schedule())
    site.ran("daily", status)
    site.apply(daily=schedule(interval=interval))
    assert not site.is_due("daily")


def test_what_is_gone_and_comes_back_by_its_name_does_not_run_once_again(site: Environment) -> None:
    site.apply(daily=schedule(interval="@once"))
    site.ran("daily", "COMPLETED")
    site.apply()
    site.apply(daily=schedule(interval="@once"))
    assert not site.is_due("daily")


def command(site: Environment) -> Program:
    words = [sys.executable, "-P", "-m", "mage_pod.schedules", site.file({"daily": schedule()})]
    return Program(*words, environment=site.variables, stderr=subprocess.STDOUT)


def waiting_sessions(site: Environment) -> int:
    """How many sessions wait for a lock."""
    question = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return len(site.ask(question))


@contextlib.contextmanager
def locked(site: Environment, table: str, mode: str) -> Iterator[None]:
    """Somebody else holds the table."""
    with contextlib.closing(psycopg2.connect(site.database.url)) as other:
        other.cursor().execute(f"LOCK TABLE {table} IN {mode} MODE")
        yield


def test_two_jobs_at_once_make_one_trigger(site: Environment) -> None:
    site.apply()
    with locked(site, "pipeline_schedule", "ACCESS EXCLUSIVE"):
        jobs = [command(site), command(site)]
        until(lambda: waiting_sessions(site) == 2, "both waiting", 90)
    output = [job.communicate(timeout=90)[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], output
    assert len(site.triggers()) == 1


def test_a_job_that_is_killed_leaves_the_old_state(site: Environment) -> None:
    site.apply()
    with locked(site, "schedules_from_values", "SHARE"), command(site):  # which it writes last
        until(lambda: waiting_sessions(site) == 1, "waiting", 90)
    until(lambda: waiting_sessions(site) == 0, "gone")
    assert site.triggers() == []
