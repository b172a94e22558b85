"""What the schedules will do: a plan says it by the clock of the environment, and keeps when the clock goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from basics.errors import Malformed
from helpers import call_script, promote, push, refused, schedule, values, write, write_policy
from promotion.changes.forecast import Forecast, forecast
from promotion.commands.promote import plan_promotion
from promotion.configuration.interval import WORDS
from promotion.configuration.policy import read_policy
from promotion.configuration.schedule import Schedule
from promotion.gates.approvals import draft_digest
from promotion.options import Options
from promotion.planning.document import plan_document
from promotion.planning.plan import Plan
from promotion.releasing.plan_file import read_plan_file, write_plan_file
from promotion.repository.git import Repository
from promotion.showing.plan_markdown import plan_markdown
from promotion.showing.plan_text import next_runs, plan_lines

# Berlin is two hours ahead of UTC until 2026-10-25 01:00 UTC, then one.
SUMMER_TIME_ENDS = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
VALUES = "environments/dev/values.yaml"


def trigger(interval: str, pipeline: str = "orders", **more: Any) -> Schedule:
    entry = {"pipeline": pipeline, "interval": interval, "enabled": True, "timeout": 9}
    return Schedule("nightly", entry | more)


def called(**more: Any) -> Schedule:
    return Schedule("nightly", {"pipeline": "orders", "enabled": True, "timeout": 9} | more)


def foreseen(old: Schedule | None, new: Schedule | None) -> Forecast:
    return forecast(old, new, SUMMER_TIME_ENDS)


def want(clone: Path, **schedules: dict[str, Any]) -> None:
    """Let main have these schedules for dev."""
    write(clone, {VALUES: values("dev", schedules=schedules)})
    push(clone)


def plan(clone: Path, now: datetime = SUMMER_TIME_ENDS) -> Plan:
    with Repository.find(clone) as repository:
        made = plan_promotion(repository, "main", "dev", Options(), now=now)
        draft_digest(made.draft)  # which documents tell, and which reads all files, while the clone is open
        return made


def rows(clone: Path) -> dict[str, Any]:
    return {row["name"]: row for row in plan_document(plan(clone))["schedules"]}


def text(clone: Path) -> str:
    return "\n".join(line for line, _ in plan_lines(plan(clone)))


@pytest.fixture
def scheduled(promoted_to_dev: Path) -> Path:
    """Dev runs orders daily; main wants that hourly, and has a new schedule for stock."""
    want(promoted_to_dev, nightly=schedule("orders"))
    promote(promoted_to_dev, "main", "dev")
    want(promoted_to_dev, nightly=schedule("orders", "@hourly"), load=schedule("stock", "@once"))
    return promoted_to_dev


@pytest.mark.parametrize("interval", ["@hourly", "@daily", "@weekly", "@monthly", "* * * * *"])
@pytest.mark.parametrize("old", [None, trigger("0 4 * * *"), trigger("@once"), trigger("@daily", enabled=False)])
def test_what_has_times_waits_for_the_next_of_them(interval: str, old: Schedule | None) -> None:
    found = foreseen(old, trigger(interval))
    assert found.at_once is None
    assert found.after is not None
    assert len(found.after.times) == 3


@pytest.mark.parametrize("interval", ["@once", "@always_on"])
@pytest.mark.parametrize("old", [None, trigger("@daily"), trigger("@once", enabled=False)])
def test_what_has_no_times_starts_at_once(interval: str, old: Schedule | None) -> None:
    assert (foreseen(old, trigger(interval)).at_once or "").startswith(f"{interval} runs as soon as possible")


@pytest.mark.parametrize("interval", WORDS)
def test_what_goes_on_as_it_did_does_not_start(interval: str) -> None:
    assert foreseen(trigger(interval), trigger(interval, timeout=10)).at_once is None


@pytest.mark.parametrize(("interval", "starts"), [("@once", False), ("@always_on", True), ("@hourly", False)])
def test_of_what_gets_another_pipeline_only_always_on_starts(interval: str, starts: bool) -> None:
    assert bool(foreseen(trigger(interval), trigger(interval, "stock")).at_once) is starts


@pytest.mark.parametrize("new", [None, *(trigger(word, enabled=False) for word in WORDS)])
def test_what_goes_or_is_paused_does_not_start(new: Schedule | None) -> None:
    found = foreseen(trigger("@hourly"), new)
    assert found.at_once is None
    assert found.after is None or (found.after.times, found.after.otherwise) == ((), "paused")


def text_of(schedule: Schedule) -> str:
    return next_runs(foreseen(None, schedule).after, UTC)


def test_what_does_not_wait_for_a_time_says_what_it_waits_for() -> None:
    assert text_of(called(type="api")) == "at each call of its address"
    assert text_of(called(type="event")) == "at each event that matches"


def test_before_its_start_a_trigger_does_not_run() -> None:
    start = {"startTime": "2026-12-01T06:30:00+01:00"}
    assert text_of(trigger("@daily", **start)).startswith("Wed 2026-12-02 00:00 UTC")
    assert text_of(trigger("30 5 * * *", **start)).startswith("Tue 2026-12-01 05:30 UTC")
    assert text_of(trigger("@once", **start)) == "Tue 2026-12-01 05:30 UTC, one run only"
    assert foreseen(None, trigger("@once", **start)).at_once is None
    assert foreseen(None, trigger("@daily", **start, createInitialPipelineRun=True)).at_once is None


@pytest.mark.parametrize(
    ("interval", "first"),
    [
        ("@hourly", "Sun 2026-10-25 00:15 UTC, Sun 2026-10-25 01:15 UTC"),
        ("@daily", "Sun 2026-10-25 22:15 UTC, Mon 2026-10-26 22:15 UTC"),
        ("@weekly", "Sun 2026-10-25 22:15 UTC, Sun 2026-11-01 22:15 UTC"),
        ("@monthly", "Tue 2026-11-03 22:15 UTC, Thu 2026-12-03 22:15 UTC"),
    ],
)
def test_with_a_landing_time_the_plan_tells_when_runs_have_to_end(interval: str, first: str) -> None:
    landing = trigger(interval, startTime="2024-03-03T22:15:00Z", landingTimeEnabled=True)  # a Sunday
    assert text_of(landing).startswith(f"to end by {first}")


def test_programs_read_the_next_runs_in_utc(scheduled: Path) -> None:
    nightly, load = rows(scheduled)["nightly"], rows(scheduled)["load"]
    assert nightly["next_before"] == [f"2026-10-{day}T00:00:00+00:00" for day in (25, 26, 27)]
    assert nightly["next_after"] == [f"2026-10-25T{hour:02}:00:00+00:00" for hour in range(3)]
    assert (nightly["starts_at_once"], nightly["starts_at_once_because"]) == (False, None)
    assert (load["next_before"], load["next_after"], load["starts_at_once"]) == (None, [], True)
    assert load["starts_at_once_because"].startswith("@once runs")


def test_people_read_them_in_utc_where_nothing_else_is_said(scheduled: Path) -> None:
    assert "Schedules      times in UTC\n" in text(scheduled)
    assert "after      Sun 2026-10-25 00:00 UTC, Sun 2026-10-25 01:00 UTC, " in text(scheduled)


def test_people_read_them_by_the_clock_of_the_environment(scheduled: Path) -> None:
    write_policy(scheduled, "dev", zone="Europe/Berlin")
    push(scheduled)
    assert "Schedules      times in Europe/Berlin\n" in text(scheduled)
    assert "before     Sun 2026-10-25 02:00 CEST, Mon 2026-10-26 01:00 CET, " in text(scheduled)
    # One hour is there twice.
    both = "Sun 2026-10-25 02:00 CEST, Sun 2026-10-25 02:00 CET, Sun 2026-10-25 03:00 CET"
    assert f"after      {both}" in text(scheduled)
    assert f"`{both}`" in plan_markdown(plan(scheduled))


def test_what_starts_at_once_stands_out(scheduled: Path) -> None:
    ((line, style),) = [pair for pair in plan_lines(plan(scheduled)) if "at once" in pair[0]]
    assert (line, style) == (
        "      starts at once: @once runs as soon as possible, unless the trigger has already run",
        "bold red",
    )
    assert "| **starts at once:** `@once runs as soon as possible, " in plan_markdown(plan(scheduled))


def test_of_many_schedules_the_text_shows_the_first_and_what_starts_at_once(scheduled: Path) -> None:
    want(scheduled, **{f"a{number:02}": schedule("stock") for number in range(20)}, z=schedule("stock", "@once"))
    shown = text(scheduled)
    assert [name for name in ("a11", "a12", "z") if f"  + {name}  " in shown] == ["a11", "z"]
    assert "  … and 9 more: see --json\nGates due" in shown  # 8 that are new, and one that is gone


def test_what_keeps_its_times_is_told_once(scheduled: Path) -> None:
    promote(scheduled, "main", "dev")
    want(scheduled, nightly=schedule("orders", "@hourly") | {"timeout": 1}, load=schedule("stock", "@once"))
    assert "      as before  Sun 2026-10-25 00:00 UTC, " in text(scheduled)


def test_a_rollback_tells_it_too(scheduled: Path) -> None:
    promote(scheduled, "main", "dev")
    told = call_script(scheduled, "rollback", "dev", "--reason", "x", "--plan").stdout
    assert "  ~ nightly  orders @hourly → orders @daily\n      before  " in told


def test_a_kept_plan_does_not_grow_stale_with_the_clock(scheduled: Path) -> None:
    write_plan_file(plan(scheduled), scheduled / "plan.json")
    later = plan(scheduled, SUMMER_TIME_ENDS + timedelta(days=2))
    read_plan_file(scheduled / "plan.json").refuse_if_stale(later)
    assert plan_document(later)["schedules"] != plan_document(plan(scheduled))["schedules"]
    assert plan(scheduled).same_changes(later)
    assert call_script(scheduled, "promote", "apply", "plan.json").exit_code == 0


def test_a_kept_plan_is_stale_once_a_schedule_would_start_at_once(scheduled: Path) -> None:
    write_plan_file(plan(scheduled), scheduled / "plan.json")
    want(scheduled, nightly=schedule("orders", "@always_on"), load=schedule("stock", "@once"))
    error = refused(scheduled, "promote", "apply", "plan.json")
    assert error["code"] == "stale-plan"
    assert "schedules.starts_at_once" in error["message"]


@pytest.mark.parametrize(
    ("zone", "said"),
    [("Berlin", "did you mean Europe/Berlin"), (1, "zone: 1 is not a name"), (None, "zone: is missing")],
)
def test_a_zone_that_nobody_knows_is_refused(zone: object, said: str) -> None:
    with pytest.raises(Malformed) as raised:
        read_policy("policy.yaml", {"source": "main", "gates": [], "zone": zone})
    assert said in f"{raised.value.finding.problem}; {raised.value.finding.fix}"
