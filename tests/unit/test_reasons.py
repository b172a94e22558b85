"""Every row of every plan says why it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpers import PROJECT, call_script, metadata_of, promote, push, schedule, values, write

CLEAN = f"{PROJECT}/transformers/clean.py"
LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"
EXTRA = f"{PROJECT}/utils/extra.py"
DEV = "environments/dev/values.yaml"


def planned(clone: Path, script: str, *arguments: str) -> dict[str, Any]:
    """Return the plan, of which every row has a reason."""
    result = call_script(clone, script, *arguments, "--plan", "--json")
    plan: dict[str, Any] = result.document["plan"]
    rows = [row for key in ("pipelines", "files", "databases") for row in plan[key]]
    assert all(row["reason"] for row in [*rows, plan["platform"], plan["configuration"]])
    return plan


def reasons(plan: dict[str, Any]) -> dict[str, str]:
    """Return the reason of each row, by its name or path."""
    rows = [row for key in ("pipelines", "files", "databases") for row in plan[key]]
    return {row.get("name") or row["path"]: row["reason"] for row in rows} | {
        part: plan[part]["reason"] for part in ("platform", "configuration")
    }


@pytest.fixture
def all_changed(promoted_to_dev: Path) -> Path:
    """Dev's second release changed stock, the platform, the schedules and the databases, and removed orders."""
    (promoted_to_dev / metadata_of("orders")).unlink()
    configuration = values("dev", postgres={"databases": ["lake"]}, schedules={"nightly": schedule("stock")})
    write(promoted_to_dev, {LOAD_STOCK: "x = 1\n", "Dockerfile": "FROM other\n", DEV: configuration})
    push(promoted_to_dev)
    return promoted_to_dev


def test_a_promotion_of_everything(all_changed: Path) -> None:
    assert reasons(planned(all_changed, "promote", "main", "dev")) == {
        "orders": "all of main",
        "stock": "all of main",
        "lake": "configuration, from main",
        metadata_of("orders"): "was folder of pipeline orders",
        LOAD_STOCK: "block load_stock",
        "Dockerfile": "platform, all of main",
        DEV: "configuration, from main",
        "platform": "all of main",
        "configuration": "from main",
    }


def test_a_rollback_of_everything(all_changed: Path) -> None:
    promote(all_changed, "main", "dev")
    found = reasons(planned(all_changed, "rollback", "dev", "--reason", "x"))
    assert (found["orders"], found["platform"], found["configuration"]) == (
        "all of release 1",
        "all of release 1",
        "from release 1",
    )
    assert (found["lake"], found[DEV]) == ("configuration, from release 1",) * 2


def test_a_selection(all_changed: Path) -> None:
    found = reasons(planned(all_changed, "promote", "main", "dev", "-p", "stock"))
    assert (found["stock"], found["platform"]) == ("selected", "a selection leaves it")


def test_a_rollback_of_a_selection(all_changed: Path) -> None:
    promote(all_changed, "main", "dev")
    found = reasons(planned(all_changed, "rollback", "dev", "-p", "stock", "--reason", "x"))
    assert (found["stock"], found["configuration"]) == ("selected", "from release 2")


def test_a_selection_that_begins_an_environment(project: Path) -> None:
    found = reasons(planned(project, "promote", "main", "dev", "-p", "stock"))
    assert (found["platform"], found["Dockerfile"]) == (
        "a first release needs one",
        "platform, a first release needs one",
    )


def test_a_selection_that_claims_a_file_of_the_platform(project: Path) -> None:
    write(project, {EXTRA: "x = 1\n"})
    push(project)
    promote(project, "main", "dev")
    write(project, {LOAD_STOCK: f"import {PROJECT}.utils.extra\n"})
    push(project)
    plan = planned(project, "promote", "main", "dev", "-p", "stock")
    assert plan["platform"]["before"] != plan["platform"]["after"]
    assert reasons(plan)["platform"] == "pipelines now claim files of it"


def test_a_shared_file(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {CLEAN: "x = 1\n"})
    push(promoted_to_dev)
    found = reasons(planned(promoted_to_dev, "promote", "main", "dev", "-p", "orders"))
    assert (found["returns"], found[CLEAN]) == (f"shares {CLEAN}", "block clean")


def test_people_read_the_reasons_too(all_changed: Path) -> None:
    shown = call_script(all_changed, "promote", "main", "dev", "--plan").stdout
    assert "  + database lake  in the chart's PostgreSQL; configuration, from main\n" in shown
    for part, reason in (("Platform", "all of main"), ("Configuration", "from main")):
        (line,) = (line for line in shown.splitlines() if line.startswith(part))
        assert line.endswith(f"  {reason}")
