"""A pipeline under another name is one row of the plan, and what a removal leaves behind."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from helpers import (
    PROJECT,
    block,
    call_script,
    digests,
    git,
    metadata_of,
    promote,
    push,
    record,
    refusal_codes,
    refused,
    rename,
    schedule,
    values,
    write,
    write_environment_gates,
    write_loading_pipeline,
    write_pipeline,
    write_policy,
)

VALUES = "environments/dev/values.yaml"


@pytest.fixture
def scheduled_orders(promoted_to_dev: Path) -> Path:
    """Dev runs `orders` every night."""
    write(promoted_to_dev, {VALUES: values("dev", schedules={"nightly": schedule("orders")})})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    return promoted_to_dev


@pytest.fixture
def renamed_orders(scheduled_orders: Path) -> Path:
    """Main calls `orders` `sales`, and so does the schedule."""
    rename(scheduled_orders, "orders", "sales")
    write(scheduled_orders, {VALUES: values("dev", schedules={"nightly": schedule("sales")})})
    push(scheduled_orders)
    return scheduled_orders


def planned(clone: Path, *arguments: str) -> dict[str, Any]:
    plan = call_script(clone, "promote", "main", "dev", "--plan", "--json", *arguments).document["plan"]
    assert isinstance(plan, dict)
    return plan


def actions(plan: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(row["name"], row["action"], row["renamed_from"]) for row in plan["pipelines"]]


@pytest.mark.parametrize("selection", [[], ["-p", "state:modified"], ["-p", "orders", "-p", "sales"]])
def test_a_rename_is_one_row_from_digest_to_digest(renamed_orders: Path, selection: list[str]) -> None:
    plan = planned(renamed_orders, *selection)
    assert actions(plan) == [("sales", "renamed", "orders")]
    assert plan["pipelines"][0]["before"] == digests(renamed_orders, "dev")["orders"]


def test_a_schedule_moves_with_its_pipeline(renamed_orders: Path) -> None:
    shown = call_script(renamed_orders, "promote", "main", "dev", "--plan").stdout
    assert "renamed from orders; all of main" in shown
    assert "~ nightly  orders @daily → sales @daily  moves with its pipeline" in shown
    assert "0 to add, 0 to change, 0 to remove, 1 to rename" in shown


def test_a_rename_is_released_as_one(renamed_orders: Path) -> None:
    promote(renamed_orders, "main", "dev")
    assert sorted(record(renamed_orders, "dev")["pipelines"]) == ["returns", "sales", "stock"]


def test_a_new_name_alone_leaves_the_old_one(renamed_orders: Path) -> None:
    plan = planned(renamed_orders, "-p", "sales")
    assert actions(plan) == [("sales", "added", None)]
    assert plan["pipelines"][0]["reason"] == "selected, a copy of orders: add -p orders to rename it"


@pytest.mark.parametrize("name", ["orders", "sales"])
def test_a_hold_of_the_policy_holds_a_pipeline_under_either_name(renamed_orders: Path, name: str) -> None:
    write_policy(renamed_orders, "dev", holds=[{"pipeline": name, "reason": "audit"}])
    push(renamed_orders)
    assert refusal_codes(renamed_orders, "main", "dev") == ["standing-hold"]


def test_a_pipeline_that_changed_as_well_is_a_new_one(renamed_orders: Path) -> None:
    write(renamed_orders, {f"{PROJECT}/data_loaders/load_orders.py": "newer = 1\n"})
    push(renamed_orders)
    assert actions(planned(renamed_orders)) == [("orders", "removed", None), ("sales", "added", None)]


def test_two_of_the_same_content_are_not_told_apart(promoted_to_dev: Path) -> None:
    for old, new in (("orders", "sales"), ("orders", "revenue")):
        write_loading_pipeline(promoted_to_dev, new, shared=True)
        content = (promoted_to_dev / metadata_of(old)).read_text().replace(": orders\n", f": {new}\n")
        write(promoted_to_dev, {metadata_of(new): content})
    git(promoted_to_dev, "rm", "--quiet", "-r", f"{PROJECT}/pipelines/orders")
    push(promoted_to_dev)
    assert [action for _, action, _ in actions(planned(promoted_to_dev))] == ["removed", "added", "added"]


# What a schedule on main still names


def findings(clone: Path) -> list[dict[str, str]]:
    write_environment_gates(clone, "dev", ["static"])
    push(clone)
    error = call_script(clone, "promote", "main", "dev", "--plan", "--json").document["error"]
    return [finding for finding in error["findings"] if finding["code"] == "schedule-without-pipeline"]


def test_a_removal_waits_until_main_has_no_schedule_for_it(scheduled_orders: Path) -> None:
    git(scheduled_orders, "rm", "--quiet", "-r", f"{PROJECT}/pipelines/orders")
    (finding,) = findings(scheduled_orders)
    assert finding["path"] == VALUES
    assert finding["fix"].startswith("remove schedules.nightly on main first")


def test_a_rename_says_what_the_schedule_has_to_name(scheduled_orders: Path) -> None:
    rename(scheduled_orders, "orders", "sales")
    (finding,) = findings(scheduled_orders)
    assert finding["fix"].startswith("write `pipeline: sales` on main")


def test_a_rollback_under_the_old_name_says_how_the_schedule_comes_back_too(renamed_orders: Path) -> None:
    write_environment_gates(renamed_orders, "dev", ["static"])
    push(renamed_orders)
    promote(renamed_orders, "main", "dev")
    arguments = ["rollback", "dev", "-p", "orders", "-p", "sales", "--reason", "x", "--yes"]
    (finding,) = refused(renamed_orders, *arguments)["findings"]
    way_back = "scripts/rollback.py dev --to 2 --reason x"
    assert finding["fix"].endswith(way_back)
    assert call_script(renamed_orders, "rollback", *shlex.split(way_back)[1:], "--plan").exit_code == 2


def test_a_removed_pipelines_tables_stay(promoted_to_dev: Path) -> None:
    git(promoted_to_dev, "rm", "--quiet", "-r", f"{PROJECT}/pipelines/orders")
    push(promoted_to_dev)
    (row,) = [
        line
        for line in call_script(promoted_to_dev, "promote", "main", "dev", "--plan").stdout.splitlines()
        if line.startswith("  - orders")
    ]
    assert row.endswith("all of main; its tables stay")


def test_a_removal_of_what_a_global_data_product_stands_on_is_no_silence(promoted_to_dev: Path) -> None:
    configuration = {"global_data_product": {"uuid": "takings"}}
    product = block("theirs", "global_data_product", configuration=configuration)
    write(promoted_to_dev, {f"{PROJECT}/global_data_products.yaml": "takings: {object_uuid: orders}\n"})
    write_pipeline(promoted_to_dev, "stock", [product])
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    git(promoted_to_dev, "rm", "--quiet", "-r", f"{PROJECT}/pipelines/orders")
    write_loading_pipeline(promoted_to_dev, "stock")
    push(promoted_to_dev)
    error = refused(promoted_to_dev, "promote", "main", "dev", "-p", "orders", "--yes")
    assert (error["code"], error["message"].split()[0]) == ("shared-file", "stock")
    promote(promoted_to_dev, "main", "dev", "-p", "orders", "-p", "stock")
    assert sorted(digests(promoted_to_dev, "dev")) == ["returns", "stock"]
