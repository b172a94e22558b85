"""What is to be backfilled: from which day on, carried from release to release, until somebody closes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import (
    PROJECT,
    call_script,
    change_dev,
    edit_branch,
    git,
    head,
    promote,
    push,
    record,
    refused,
    released_text,
    remote_of,
    rename,
    replace_newest,
    roll_back_dev,
    write,
    write_policy,
)
from promotion.commands.promote import plan_promotion
from promotion.options import Options
from promotion.record.release import Release
from promotion.releasing.plan_file import read_plan_file
from promotion.repository.git import Repository
from unit.situations import situation

LOAD_ORDERS = f"{PROJECT}/data_loaders/load_orders.py"
LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"
STOCK = f"{PROJECT}/pipelines/stock"


def ago(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days)


def backdate(clone: Path, days: int) -> None:
    """Let dev's newest release be `days` old, as if it had been made then, at noon."""
    then = datetime.combine(ago(days), time(12), UTC)

    def made_then(release: Release) -> Release:
        backfills = tuple(replace(each, end=min(each.end, then.date())) for each in release.backfills)
        return replace(release, at=then, backfills=backfills)

    replace_newest(clone, made_then, then)


def opened(clone: Path) -> dict[str, tuple[str, str, int]]:
    """Return first day, last day and release of what is open in dev, by pipeline."""
    result = call_script(clone, "promote", "backfill", "dev", "--json")
    assert result.exit_code == 0, result.stderr
    found = result.document["backfills"]
    return {entry["pipeline"]: (entry["start"], entry["end"], entry["release"]) for entry in found}


def days(clone: Path, pipeline: str = "orders") -> tuple[str, str]:
    """Return the first and the last day of what is open for `pipeline`."""
    return opened(clone)[pipeline][:2]


def span(first: int, last: int = 0) -> tuple[str, str]:
    """Return days as so many days ago."""
    return str(ago(first)), str(ago(last))


def close(clone: Path, pipeline: str, *how: str) -> None:
    result = call_script(clone, "promote", "backfill", "dev", "-p", pipeline, *how)
    assert result.exit_code == 0, result.stderr


@situation("promoted_to_dev")
def long_in_dev(clone: Path) -> None:
    """Dev has run all of main for forty days."""
    backdate(clone, 40)


@situation("long_in_dev")
def changed(clone: Path) -> None:
    """And `orders` changed ten days ago."""
    change_dev(clone, LOAD_ORDERS, "second = 1\n")
    backdate(clone, 10)


# Which days


def test_all_days_since_the_pipeline_came_are_to_be_backfilled(long_in_dev: Path) -> None:
    write(long_in_dev, {LOAD_ORDERS: "second = 1\n"})
    push(long_in_dev)
    planned = call_script(long_in_dev, "promote", "main", "dev", "--plan").stdout
    assert (
        f"~ orders  {planned_digests(planned)}  all of main; output changes, backfill from {ago(40)}\n" in planned
    )
    assert (
        "To backfill: orders; see scripts/promote.py backfill dev\n" in promote(long_in_dev, "main", "dev").stdout
    )
    assert opened(long_in_dev) == {"orders": (*span(40), 2)}


def planned_digests(text: str) -> str:
    return text.split("~ orders  ")[1].split("  ")[0]


def test_new_output_leaves_nothing_to_backfill(promoted_to_dev: Path) -> None:
    assert opened(promoted_to_dev) == {}


@pytest.mark.parametrize(
    ("word", "found"), [("never", {}), ("7d", {"stock": (*span(7), 2)}), ("99d", {"stock": (*span(40), 2)})]
)
def test_the_owner_says_how_far_back(long_in_dev: Path, word: str, found: dict[str, Any]) -> None:
    write(long_in_dev, {f"{STOCK}/promotion.yaml": f"backfill: {word}\n"})
    change_dev(long_in_dev, LOAD_STOCK, "second = 1\n")
    assert opened(long_in_dev) == found


def test_a_pipeline_that_was_renamed_has_the_data_of_before(long_in_dev: Path) -> None:
    rename(long_in_dev, "stock", "goods")
    push(long_in_dev)
    promote(long_in_dev, "main", "dev")
    backdate(long_in_dev, 5)
    change_dev(long_in_dev, LOAD_STOCK, "second = 1\n")
    assert opened(long_in_dev) == {"goods": (*span(40), 3)}


def test_what_waits_in_a_pull_request_leaves_the_days_until_the_merge_too(changed: Path) -> None:
    replace_newest(changed, lambda release: release, datetime.combine(ago(4), time(12), UTC))
    assert opened(changed) == {"orders": (*span(40, 4), 2)}


# From release to release


def test_what_is_open_stays_so_while_others_change(changed: Path) -> None:
    change_dev(changed, LOAD_STOCK, "other = 1\n")
    assert opened(changed) == {"orders": (*span(40, 10), 2), "stock": (*span(40), 3)}


def test_a_change_without_impact_leaves_it_as_it_is(changed: Path) -> None:
    change_dev(changed, LOAD_ORDERS, "second = 1  # as before\n")
    assert opened(changed) == {"orders": (*span(40, 10), 2)}


def test_a_newer_change_widens_it(long_in_dev: Path) -> None:
    write(long_in_dev, {f"{STOCK}/promotion.yaml": "backfill: 7d\n"})
    change_dev(long_in_dev, LOAD_STOCK, "second = 1\n")
    backdate(long_in_dev, 5)
    write(long_in_dev, {f"{STOCK}/promotion.yaml": "backfill: 2d\n"})
    change_dev(long_in_dev, LOAD_STOCK, "third = 1\n")
    assert opened(long_in_dev) == {"stock": (*span(7), 3)}


def test_it_follows_a_pipeline_to_its_new_name(changed: Path) -> None:
    rename(changed, "orders", "sales")
    push(changed)
    promote(changed, "main", "dev")
    assert opened(changed) == {"sales": (*span(40, 10), 2)}


def test_it_goes_with_the_pipeline(changed: Path) -> None:
    git(changed, "rm", "--quiet", "-r", f"{PROJECT}/pipelines/orders")
    push(changed)
    promote(changed, "main", "dev")
    assert opened(changed) == {}


def test_each_environment_has_its_own(changed: Path) -> None:
    promote(changed, "dev", "staging")
    shown = call_script(changed, "promote", "backfill", "staging")
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "Nothing to backfill.\n", "")


# After a rollback


def test_what_the_bad_version_wrote_is_to_be_backfilled(changed: Path) -> None:
    roll_back_dev(changed)
    assert opened(changed) == {"orders": (*span(10), 3)}


def test_and_all_that_it_had_written_anew(changed: Path) -> None:
    close(changed, "orders", "--done")
    roll_back_dev(changed)
    assert days(changed) == span(40)


def test_but_not_what_it_left_as_it_was(changed: Path) -> None:
    close(changed, "orders", "--waive", "--reason", "old totals stay")
    roll_back_dev(changed)
    assert days(changed) == span(10)


def test_what_was_open_for_the_older_version_is_open_again(changed: Path) -> None:
    change_dev(changed, LOAD_ORDERS, "third = 1\n")
    roll_back_dev(changed)
    assert days(changed) == span(40)


def test_unless_it_was_done_before(changed: Path) -> None:
    close(changed, "orders", "--done")
    change_dev(changed, LOAD_ORDERS, "third = 1\n")
    backdate(changed, 3)
    roll_back_dev(changed)
    assert days(changed) == span(3)


def test_a_revert_on_main_counts_like_a_rollback(changed: Path) -> None:
    git(changed, "revert", "--no-edit", "HEAD")
    push(changed)
    promote(changed, "main", "dev")
    assert days(changed) == span(10)


def test_a_rollback_needs_no_readable_evidence(changed: Path) -> None:
    close(changed, "orders", "--done")
    edit_branch(changed, "evidence/dev", {"evidence.yaml": "closed: [\n"})
    roll_back_dev(changed)
    assert record(changed, "dev")["backfills"][0]["pipeline"] == "orders"


# Until somebody closes it


@pytest.mark.parametrize(
    ("how", "told", "logged"),
    [
        (["--done"], "Done", "Close the backfill of orders in dev"),
        (["--waive", "--reason", "a report"], "Waived", "Waive the backfill of orders in dev\n\na report"),
    ],
)
def test_closing_it_makes_no_release(changed: Path, how: list[str], told: str, logged: str) -> None:
    before = head(changed, "env/dev")
    shown = call_script(changed, "promote", "backfill", "dev", "-p", "orders", *how, "--json").document["closed"]
    assert [(entry["backfill"]["pipeline"], entry["done"]) for entry in shown] == [("orders", told == "Done")]
    assert opened(changed) == {}
    assert head(changed, "env/dev") == before
    assert git(remote_of(changed), "log", "-1", "--format=%an: %B", "evidence/dev") == f"Ada Example: {logged}"


def test_what_is_closed_is_not_carried_on(changed: Path) -> None:
    close(changed, "orders", "--done")
    change_dev(changed, LOAD_STOCK, "other = 1\n")
    assert [entry["pipeline"] for entry in record(changed, "dev")["backfills"]] == ["stock"]


def test_a_newer_change_opens_it_again(changed: Path) -> None:
    close(changed, "orders", "--done")
    change_dev(changed, LOAD_ORDERS, "third = 1\n")
    assert opened(changed) == {"orders": (*span(40), 3)}


def test_what_was_closed_is_open_again_when_the_evidence_is_lost(changed: Path) -> None:
    close(changed, "orders", "--done")
    git(changed, "push", "--quiet", "origin", "--delete", "evidence/dev")
    assert list(opened(changed)) == ["orders"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["qa"], "unknown-environment"),
        (["staging"], "no-release"),
        (["dev", "-p", "orders"], "usage"),
        (["dev", "--done"], "usage"),
        (["dev", "-p", "orders", "--done", "--waive"], "usage"),
        (["dev", "-p", "orders", "--waive"], "no-reason"),
        (["dev", "-p", "stock", "--done"], "no-backfill"),
        (["dev", "-p", "orders", "-p", "order", "--done"], "no-backfill"),
    ],
)
def test_a_closing_that_is_none(changed: Path, arguments: list[str], code: str) -> None:
    error = refused(changed, "promote", "backfill", *arguments)
    assert (error["code"], error["exit_code"]) == (code, 64)


def test_only_promoters_close_it(changed: Path) -> None:
    write_policy(changed, "dev", promoters=["bob@example.com"])
    push(changed)
    error = refused(changed, "promote", "backfill", "dev", "-p", "orders", "--done")
    assert (error["code"], error["exit_code"]) == ("not-a-promoter", 4)


# Where it shows


def test_status_shows_what_is_open(changed: Path) -> None:
    digest = record(changed, "dev")["pipelines"]["orders"]["digest"].removeprefix("sha256:")[:8]
    told = f"BACKFILL dev orders: {ago(40)} to {ago(10)}, for {digest} of release 2\n"
    assert told in call_script(changed, "status").stdout
    environments = call_script(changed, "status", "--json").document["status"]["environments"]
    assert {each["name"]: len(each["backfills"]) for each in environments if each["backfills"]} == {"dev": 1}
    close(changed, "orders", "--done")
    assert "BACKFILL" not in call_script(changed, "status").stdout


def test_a_kept_plan_holds_the_next_day_too(long_in_dev: Path) -> None:
    write(long_in_dev, {f"{STOCK}/promotion.yaml": "backfill: 7d\n", LOAD_STOCK: "second = 1\n"})
    push(long_in_dev)
    call_script(long_in_dev, "promote", "main", "dev", "--plan", "-o", "plan.json")
    with Repository.find(long_in_dev) as repository:
        tomorrow = plan_promotion(repository, "main", "dev", Options(), datetime.now(UTC) + timedelta(1))
        read_plan_file(long_in_dev / "plan.json").refuse_if_stale(tomorrow)


def test_a_record_from_before_there_were_backfills_is_read(promoted_to_dev: Path) -> None:
    overlay = yaml.safe_load(released_text(promoted_to_dev, "dev", "release.yaml"))
    for key in ("renamed", "backfills"):
        del overlay["release"][key]
    overlay["release"]["format_version"] = "1.1"
    edit_branch(promoted_to_dev, "env/dev", {"release.yaml": yaml.safe_dump(overlay)})
    change_dev(promoted_to_dev, LOAD_ORDERS, "second = 1\n")
    assert list(opened(promoted_to_dev)) == ["orders"]
