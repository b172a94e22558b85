"""A plan that was kept is applied exactly, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers import (
    PROJECT,
    call_script,
    head,
    output_document,
    promote,
    push,
    record,
    refused,
    run_script,
    values,
    write,
)

STOCK = f"{PROJECT}/data_loaders/load_stock.py"
ORDERS = f"{PROJECT}/data_loaders/load_orders.py"


@pytest.fixture
def planned(promoted_to_dev: Path) -> Path:
    """Main has newer orders and stock; the plan of promoting stock to dev is kept in `plan.json`."""
    write(promoted_to_dev, {STOCK: "newer = 1\n", ORDERS: "newer = 1\n", ".gitignore": "*.json\n"})
    push(promoted_to_dev)
    keep(promoted_to_dev)
    return promoted_to_dev


def keep(clone: Path, *selection: str) -> None:
    arguments = ["--plan", "-o", "plan.json", "--reason", "in time", *(selection or ("-p", "stock"))]
    assert call_script(clone, "promote", "main", "dev", *arguments).exit_code == 2


def edit(clone: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads((clone / "plan.json").read_text())
    change(document)
    (clone / "plan.json").write_text(json.dumps(document))


def test_a_kept_plan_is_applied_without_a_question(planned: Path) -> None:
    result = call_script(planned, "promote", "apply", "plan.json")
    assert (result.exit_code, "Released dev 2" in result.stdout) == (0, True)
    release = record(planned, "dev")
    assert [name for name, entry in release["pipelines"].items() if entry["since"] == 2] == ["stock"]
    assert release["reason"] == "in time"


def test_a_kept_plan_has_the_form_of_the_schema(planned: Path) -> None:
    kept = output_document((planned / "plan.json").read_text())
    shown = call_script(planned, "promote", "main", "dev", "--plan", "--json", "-p", "stock").document
    assert kept["plan"] == shown["plan"]


def test_a_plan_that_was_applied_is_nothing_to_do(planned: Path) -> None:
    call_script(planned, "promote", "apply", "plan.json")
    before = head(planned, "env/dev")
    promote(planned, "main", "dev", "-p", "orders")
    result = call_script(planned, "promote", "apply", "plan.json")
    assert (result.exit_code, result.stdout) == (0, "Nothing to do: already released as dev 2\n")
    assert before != head(planned, "env/dev")


def test_a_commit_that_changes_nothing_of_the_plan_does_not_matter(planned: Path) -> None:
    write(planned, {"README.md": "newer\n", ORDERS: "newer = 2\n"})
    push(planned)
    assert call_script(planned, "promote", "apply", "plan.json").exit_code == 0


def newer_source(clone: Path) -> None:
    write(clone, {STOCK: "newer = 2\n"})
    push(clone)


def newer_configuration(clone: Path) -> None:
    write(clone, {"environments/dev/values.yaml": values("dev", replicas=2)})
    push(clone)


def newer_target(clone: Path) -> None:
    promote(clone, "main", "dev", "-p", "orders")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (newer_source, "pipelines"),
        (newer_configuration, "configuration.after"),
        (newer_target, "target.commit"),
    ],
)
def test_a_stale_plan_is_refused_with_what_is_other_now(
    planned: Path, change: Callable[[Path], None], key: str
) -> None:
    change(planned)
    error = refused(planned, "promote", "apply", "plan.json")
    assert (error["exit_code"], error["code"]) == (5, "stale-plan")
    assert key in error["message"]
    assert error["fix"].startswith("scripts/promote.py main dev -p stock --reason 'in time' --plan -o plan.json")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda document: document["request"]["options"].update(reason="other"), "request.options"),
        (lambda document: document["plan"].update(number=7), "plan.number"),
        (lambda document: document["plan"]["pipelines"].clear(), "plan.pipelines"),
        (lambda document: document["plan"].pop("gates"), "plan.gates"),
        (lambda document: document["plan"].update(more=1), "plan.more"),
    ],
)
def test_a_plan_edited_by_hand_is_refused_with_the_key(
    planned: Path, change: Callable[[dict[str, Any]], None], key: str
) -> None:
    edit(planned, change)
    error = refused(planned, "promote", "apply", "plan.json")
    assert (error["exit_code"], error["code"]) == (64, "plan-edited")
    assert error["message"].endswith(f"plan.json: {key} was changed by hand")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"request": {}, "plan": {}, "digests": {}}', "\ud8ff"])
def test_a_file_that_is_no_plan(planned: Path, content: str) -> None:
    (planned / "plan.json").write_bytes(content.encode(errors="surrogatepass"))
    error = refused(planned, "promote", "apply", "plan.json")
    assert (error["exit_code"], error["code"]) == (64, "no-plan-file")
    assert error["fix"] == "write it first: scripts/promote.py SRC DST --plan -o FILE"


def test_a_file_that_is_not_there(planned: Path) -> None:
    assert refused(planned, "promote", "apply", "other.json")["code"] == "no-plan-file"


def test_a_refused_plan_is_not_kept(planned: Path) -> None:
    write(planned, {"environments/dev/policy.yaml": "source: main\ngates: [static]\n", STOCK: "(\n"})
    push(planned)
    result = call_script(planned, "promote", "main", "dev", "--plan", "-o", "new.json", "-p", "stock")
    assert (result.exit_code, (planned / "new.json").exists()) == (3, False)
    assert "new.json was not written" in result.stderr


def test_a_plan_is_kept_with_plan_only(planned: Path) -> None:
    error = refused(planned, "promote", "main", "dev", "--yes", "-o", "plan.json")
    assert (error["exit_code"], "--plan" in error["fix"]) == (64, True)


def test_a_place_that_cannot_be_written_to(planned: Path) -> None:
    error = refused(planned, "promote", "main", "dev", "--plan", "-o", "README.md/plan.json")
    assert (error["exit_code"], error["code"]) == (64, "cannot-write")


def test_help_of_a_verb_names_it(planned: Path) -> None:
    assert run_script(planned, "promote", "apply", "--help").stdout.startswith("usage: promote.py apply")
