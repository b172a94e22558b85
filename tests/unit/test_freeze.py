"""Freeze windows: by the clock on the wall, across daylight saving time, and what still gets through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from basics.errors import Malformed
from basics.yaml_file import load_mapping
from helpers import PROJECT, call_script, promote, push, refused, write, write_policy
from promotion.commands.promote import plan_promotion
from promotion.configuration.freeze import Freeze, Window, freeze_at
from promotion.configuration.policy import read_policy
from promotion.options import Options
from promotion.repository.git import Repository

WEEKEND = {"start": "Fri 16:00", "end": "Mon 08:00", "zone": "Europe/Berlin", "reason": "weekend"}
CHRISTMAS = {"start": "2026-12-23 18:00", "end": "2027-01-04", "zone": "Europe/Berlin", "reason": "Christmas"}
ALWAYS = {"start": "2026-01-01", "end": "2126-01-01", "zone": "UTC", "reason": "museum"}


def windows(*entries: dict[str, str]) -> tuple[Window, ...]:
    return read_policy("policy.yaml", {"source": "dev", "gates": [], "freezes": list(entries)}).freezes


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def freeze(now: str, *entries: dict[str, str]) -> Freeze | None:
    return freeze_at(windows(*entries), at(now))


# Berlin is two hours ahead of UTC until 2026-10-25 01:00 UTC and from 2027-03-28 01:00 UTC on, one hour between.


@pytest.mark.parametrize(
    ("now", "opening"),
    [
        ("2026-10-23T13:59", None),
        ("2026-10-23T14:00", "2026-10-26T07:00"),  # begins in summer time, ends in winter time
        ("2026-10-26T06:59", "2026-10-26T07:00"),
        ("2026-10-26T07:00", None),
        ("2027-03-26T14:59", None),
        ("2027-03-26T15:00", "2027-03-29T06:00"),  # begins in winter time, ends in summer time
        ("2027-03-29T06:00", None),
    ],
)
def test_a_weekly_window_keeps_to_the_clock_on_the_wall(now: str, opening: str | None) -> None:
    found = freeze(now, WEEKEND)
    assert (found and found.opening) == (at(opening) if opening else None)


@pytest.mark.parametrize(
    ("start", "end", "frozen_from", "opening"),
    [  # 02:30 is there twice on 2026-10-25, and never on 2027-03-28: the window takes in all that it may mean
        ("2026-10-25 02:30", "2026-10-25 12:00", "2026-10-25T00:30", "2026-10-25T11:00"),
        ("2026-10-24 12:00", "2026-10-25 02:30", "2026-10-24T10:00", "2026-10-25T01:30"),
        ("2027-03-28 02:30", "2027-03-28 12:00", "2027-03-28T00:30", "2027-03-28T10:00"),
        ("2027-03-27 12:00", "2027-03-28 02:30", "2027-03-27T11:00", "2027-03-28T01:30"),
    ],
)
def test_an_hour_that_is_there_twice_or_never_is_taken_the_wider_way(
    start: str, end: str, frozen_from: str, opening: str
) -> None:
    (window,) = windows(CHRISTMAS | {"start": start, "end": end})
    assert window.end_of_freeze(at(frozen_from)) == at(opening)
    assert window.end_of_freeze(at(frozen_from) - timedelta(minutes=1)) is None
    assert window.end_of_freeze(at(opening)) is None


def test_a_freeze_tells_its_end_in_its_own_zone_and_its_reason() -> None:
    assert str(freeze("2026-12-31T12:00", CHRISTMAS)) == "until Mon 2027-01-04 00:00 Europe/Berlin: Christmas"


def test_the_opening_is_after_all_windows_that_follow_each_other() -> None:
    found = freeze("2026-12-31T12:00", CHRISTMAS, WEEKEND)
    assert str(found) == "until Mon 2027-01-04 08:00 Europe/Berlin: Christmas"


def test_windows_without_an_opening_are_told() -> None:
    week = WEEKEND | {"start": "Mon 08:00", "end": "Fri 16:00", "reason": "week"}
    assert "with no known end" in str(freeze("2026-12-31T12:00", WEEKEND, week))


@pytest.mark.parametrize(
    ("change", "key", "fix"),
    [
        ({"zone": "Berlin"}, "zone", "Europe/Berlin"),
        ({"zone": "europe/berlim"}, "zone", "Europe/Berlin"),
        ({"zone": "Europe"}, "zone", "did you mean"),
        ({"zone": "/etc/localtime"}, "zone", ""),
        ({"zone": 1}, "zone", "IANA"),
        ({"start": "Friday 4pm"}, "start", "Fri 16:00"),
        ({"start": "Fri 24:00"}, "start", "Fri 16:00"),
        ({"start": 1600}, "start", "Fri 16:00"),
        ({"start": "2026-12-23T18:00Z"}, "start", "zone"),
        ({"start": "2026-12-23"}, "end", "two moments or two weekdays"),
        ({"end": "Fri 16:00"}, "end", "later"),
        ({"reason": " "}, "reason", "say why"),
        ({"until": "Mon 08:00"}, "until", "one of end, reason, start, zone"),
    ],
)
def test_a_mistake_is_named_by_its_key_with_a_way_out(change: dict[str, Any], key: str, fix: str) -> None:
    with pytest.raises(Malformed) as refusal:
        windows(CHRISTMAS, WEEKEND | change)
    finding = refusal.value.finding
    assert finding.problem.startswith(f"freezes[1].{key}: ")
    assert fix in finding.fix


@pytest.mark.parametrize("start", ["2026-12-23", "2026-12-23 18:00:00", "2026-12-23T18:00", "'2026-12-23 18:00'"])
def test_a_moment_may_be_written_as_yaml_or_people_write_it(start: str) -> None:
    text = f"source: dev\ngates: []\nfreezes: [{{start: {start}, end: 2027-01-04, zone: UTC, reason: x}}]\n"
    (window,) = read_policy("policy.yaml", load_mapping("policy.yaml", text)).freezes
    assert window.end_of_freeze(at("2026-12-23T18:00")) == at("2027-01-04")


# What it stops


def frozen(clone: Path, name: str, window: dict[str, str] = ALWAYS) -> None:
    write_policy(clone, name, freezes=[window])
    push(clone)


def test_nothing_is_promoted_in_a_freeze(project: Path) -> None:
    frozen(project, "dev")
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["code"], error["exit_code"]) == ("frozen", 4)
    assert error["message"] == "dev is frozen until Tue 2126-01-01 00:00 UTC: museum"


@pytest.mark.parametrize(("now", "codes"), [("2026-10-26T06:59", ["frozen"]), ("2026-10-26T07:00", [])])
def test_a_plan_is_as_of_its_moment(project: Path, now: str, codes: list[str]) -> None:
    frozen(project, "dev", WEEKEND)
    with Repository.find(project) as repository:
        plan = plan_promotion(repository, "main", "dev", Options(), at(now))
    assert [refusal.code for refusal in plan.verdict.refusals] == codes


@pytest.fixture
def frozen_after_two_releases(promoted_to_dev: Path) -> Path:
    """Dev is frozen at its second release, which has another `money` for `orders` and `returns`."""
    write(promoted_to_dev, {f"{PROJECT}/utils/money.py": "def rounded(amount):\n    return 0\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    frozen(promoted_to_dev, "dev")
    return promoted_to_dev


def test_a_rollback_to_what_ran_before_is_allowed_in_a_freeze(frozen_after_two_releases: Path) -> None:
    result = call_script(frozen_after_two_releases, "rollback", "dev", "--reason", "late", "--yes")
    assert result.exit_code == 0, result.stderr


def test_a_rollback_to_what_never_ran_is_not(frozen_after_two_releases: Path) -> None:
    clone = frozen_after_two_releases
    write_policy(clone, "dev", freezes=[])
    write(clone, {f"{PROJECT}/data_loaders/load_returns.py": "newer = 1\n"})
    push(clone)
    promote(clone, "main", "dev")
    frozen(clone, "dev")
    # the newest `returns` with the first `money`: together they ran nowhere
    back = ("dev", "--to", "1", "-p", "orders", "--verify-dependants", "--reason", "late", "--yes")
    assert refused(clone, "rollback", *back)["code"] == "frozen"


def test_status_shows_a_freeze(project: Path) -> None:
    frozen(project, "dev")
    page = project.parent / "status.html"
    shown = call_script(project, "status", "--html", str(page)).stdout
    assert "FROZEN dev until Tue 2126-01-01 00:00 UTC: museum" in shown
    (dev,) = call_script(project, "status", "dev", "--json").document["status"]["environments"]
    assert dev["freeze"] == {"until": "2126-01-01T00:00:00+00:00", "zone": "UTC", "reason": "museum"}
