"""Taking an environment back, and what stays on hold afterwards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from helpers import (
    PROJECT,
    call_script,
    change_dev,
    digests,
    head,
    promote,
    push,
    record,
    refused,
    released_text,
    roll_back_dev,
    schedule,
    values,
    write,
)
from unit.situations import situation

CLEAN = f"{PROJECT}/transformers/clean.py"
LOAD_ORDERS = f"{PROJECT}/data_loaders/load_orders.py"
LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"


def holds(clone: Path) -> list[tuple[str, int, str]]:
    return [(hold["pipeline"], hold["release"], hold["reason"]) for hold in record(clone, "dev")["holds"]]


@situation("promoted_to_dev")
def two_releases(clone: Path) -> None:
    """Dev's second release changed orders."""
    change_dev(clone, LOAD_ORDERS, "second = 1\n")


@situation("two_releases")
def three_releases(clone: Path) -> None:
    """Dev's second release changed orders, its third stock."""
    change_dev(clone, LOAD_STOCK, "third = 1\n")


@situation("two_releases")
def rolled_back(clone: Path) -> None:
    """Dev was taken back from its second release to the content of its first."""
    roll_back_dev(clone)


def test_a_rollback_is_a_new_release_with_the_content_of_the_older_one(two_releases: Path) -> None:
    older = record(two_releases, "dev")["number"]
    roll_back_dev(two_releases)
    now = record(two_releases, "dev")
    assert (older, now["number"], now["action"], now["source"]["release"]) == (2, 3, "rollback", 1)
    assert "second" not in released_text(two_releases, "dev", LOAD_ORDERS)


def test_what_was_rolled_back_is_on_hold_with_its_reason(rolled_back: Path) -> None:
    assert holds(rolled_back) == [("orders", 2, "wrong totals")]


def test_what_is_on_hold_is_not_promoted_again(rolled_back: Path) -> None:
    error = refused(rolled_back, "promote", "main", "dev", "--yes")
    assert (error["exit_code"], error["code"]) == (4, "on-hold")
    assert "wrong totals" in error["message"]
    assert "--release-hold --reason" in error["fix"]


def test_all_that_is_on_hold_is_told_at_once(three_releases: Path) -> None:
    roll_back_dev(three_releases, "--to", "1")
    message = refused(three_releases, "promote", "main", "dev", "--yes")["message"]
    assert "orders" in message
    assert "stock" in message


def test_a_hold_on_one_pipeline_does_not_hold_another(rolled_back: Path) -> None:
    write(rolled_back, {LOAD_STOCK: "other = 1\n"})
    push(rolled_back)
    promote(rolled_back, "main", "dev", "-p", "stock")
    assert holds(rolled_back) == [("orders", 2, "wrong totals")]


def test_a_second_rollback_keeps_the_hold_of_the_first(three_releases: Path) -> None:
    roll_back_dev(three_releases, "-p", "orders")
    roll_back_dev(three_releases, "-p", "stock")
    assert [name for name, _, _ in holds(three_releases)] == ["orders", "stock"]


def test_a_newer_version_is_not_on_hold(rolled_back: Path) -> None:
    change_dev(rolled_back, LOAD_ORDERS, "mended = 1\n")
    assert "mended" in released_text(rolled_back, "dev", LOAD_ORDERS)


def test_a_released_hold_is_gone(rolled_back: Path) -> None:
    promote(rolled_back, "main", "dev", "--release-hold", "--reason", "it was the source")
    assert "second" in released_text(rolled_back, "dev", LOAD_ORDERS)
    assert holds(rolled_back) == []


def test_a_rollback_goes_to_the_release_that_is_named(three_releases: Path) -> None:
    roll_back_dev(three_releases, "--to", "1")
    text = released_text(three_releases, "dev", LOAD_ORDERS) + released_text(three_releases, "dev", LOAD_STOCK)
    assert "second" not in text
    assert "third" not in text
    assert [name for name, _, _ in holds(three_releases)] == ["orders", "stock"]


def test_a_rollback_of_one_pipeline_leaves_the_others(three_releases: Path) -> None:
    roll_back_dev(three_releases, "-p", "orders", "--to", "1")
    assert "second" not in released_text(three_releases, "dev", LOAD_ORDERS)
    assert "third" in released_text(three_releases, "dev", LOAD_STOCK)
    assert [name for name, _, _ in holds(three_releases)] == ["orders"]


def test_a_rollback_of_one_pipeline_goes_to_where_it_last_differed(three_releases: Path) -> None:
    roll_back_dev(three_releases, "-p", "orders")
    assert "second" not in released_text(three_releases, "dev", LOAD_ORDERS)


def test_a_rollback_brings_the_older_configuration(promoted_to_dev: Path) -> None:
    text = values("dev", schedules={"nightly": schedule("orders")})
    change_dev(promoted_to_dev, "environments/dev/values.yaml", text)
    roll_back_dev(promoted_to_dev)
    assert "nightly" not in released_text(promoted_to_dev, "dev", "environments/dev/values.yaml")


def test_a_rollback_of_one_pipeline_keeps_the_configuration(promoted_to_dev: Path) -> None:
    text = values("dev", schedules={"nightly": schedule("stock")})
    write(promoted_to_dev, {LOAD_ORDERS: "second = 1\n"})
    change_dev(promoted_to_dev, "environments/dev/values.yaml", text)
    roll_back_dev(promoted_to_dev, "-p", "orders")
    assert "nightly" in released_text(promoted_to_dev, "dev", "environments/dev/values.yaml")


def test_a_rollback_of_a_rollback_brings_back_what_was_on_hold(rolled_back: Path) -> None:
    roll_back_dev(rolled_back, "--to", "2")
    assert "second" in released_text(rolled_back, "dev", LOAD_ORDERS)
    assert [release for _, release, _ in holds(rolled_back)] == [3]


def test_a_rollback_says_how_it_is_taken_back_itself(two_releases: Path) -> None:
    second = digests(two_releases, "dev")
    (way_back,) = re.findall(
        "Take it back: scripts/rollback.py dev (.*) --reason TEXT", roll_back_dev(two_releases)
    )
    roll_back_dev(two_releases, *way_back.split())
    assert digests(two_releases, "dev") == second


def test_a_rollback_does_not_choose_what_is_on_hold(rolled_back: Path) -> None:
    error = refused(rolled_back, "rollback", "dev", "--reason", "again", "--yes")
    assert (error["exit_code"], error["code"]) == (64, "nothing-older")
    assert error["message"] == "dev has no earlier release that is different and not on hold"
    assert error["fix"] == "name one with --to N; scripts/status.py dev shows them"


def test_a_second_rollback_goes_one_release_further_back(three_releases: Path) -> None:
    roll_back_dev(three_releases)
    roll_back_dev(three_releases)
    assert digests(three_releases, "dev") != {}
    assert "second" not in released_text(three_releases, "dev", LOAD_ORDERS)
    assert record(three_releases, "dev")["source"]["release"] == 1


def test_a_rollback_to_what_runs_is_nothing_to_do(rolled_back: Path) -> None:
    before = head(rolled_back, "env/dev")
    assert "Nothing to do" in roll_back_dev(rolled_back, "--to", "1")
    assert head(rolled_back, "env/dev") == before


def test_a_rollback_brings_a_removed_pipeline_back(two_releases: Path) -> None:
    (two_releases / f"{PROJECT}/pipelines/orders/metadata.yaml").unlink()
    push(two_releases)
    promote(two_releases, "main", "dev")
    roll_back_dev(two_releases, "-p", "orders")
    assert "orders" in digests(two_releases, "dev")


def test_a_rollback_that_would_move_a_shared_file_names_the_rollbacks_that_work(promoted_to_dev: Path) -> None:
    change_dev(promoted_to_dev, CLEAN, (promoted_to_dev / CLEAN).read_text() + "# newer\n")
    arguments = ["rollback", "dev", "--to", "1", "-p", "orders", "--reason", "x", "--yes"]
    error = refused(promoted_to_dev, *arguments)
    assert (error["exit_code"], error["code"]) == (5, "shared-file")
    assert "scripts/rollback.py dev --to 1 -p orders -p returns --reason x\n" in error["fix"]
    assert "promote.py" not in error["fix"]


def test_a_plan_of_a_rollback_writes_nothing(two_releases: Path) -> None:
    before = head(two_releases, "env/dev")
    result = call_script(two_releases, "rollback", "dev", "--plan", "--reason", "x")
    assert result.exit_code == 2
    assert "~ orders" in result.stdout
    assert head(two_releases, "env/dev") == before


def test_a_rolled_back_environment_verifies(rolled_back: Path) -> None:
    assert call_script(rolled_back, "verify", "dev").exit_code == 0


def test_an_unknown_pipeline_is_not_rolled_back(two_releases: Path) -> None:
    error = refused(two_releases, "rollback", "dev", "-p", "order", "--reason", "x", "--yes")
    assert (error["exit_code"], error["code"]) == (64, "unknown-pipeline")


@pytest.mark.parametrize(
    ("path", "content", "held"),
    [
        ("requirements.txt", "pandas\n", "@platform"),
        ("environments/dev/values.yaml", values("dev", web={"replicas": 2}), "@configuration"),
    ],
)
def test_platform_and_configuration_are_on_hold_after_a_rollback_too(
    promoted_to_dev: Path, path: str, content: str, held: str
) -> None:
    write(promoted_to_dev, {path: content})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    roll_back_dev(promoted_to_dev)
    error = refused(promoted_to_dev, "promote", "main", "dev", "--yes")
    assert error["code"] == "on-hold"
    assert held in error["message"]
    promote(promoted_to_dev, "main", "dev", "--release-hold", "--reason", "it was the source")
    assert holds(promoted_to_dev) == []


def test_a_rollback_needs_nothing_from_a_broken_main(two_releases: Path) -> None:
    write(two_releases, {"environments/dev/values.yaml": "schedules: [\n"})
    push(two_releases)
    roll_back_dev(two_releases)
    assert record(two_releases, "dev")["action"] == "rollback"
