"""The static gate looks at what a selection changes, and finds what it would find in the whole project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from basics.errors import Finding, GateRefused
from helpers import (
    LOADER,
    PROJECT,
    block,
    change_files,
    metadata_of,
    promote,
    push,
    schedule,
    values,
    write,
    write_pipeline,
)
from promotion.changes.draft import make_draft
from promotion.changes.request import Request
from promotion.changes.sides import environment_side, main_side
from promotion.configuration.environment import Environment, load_environment
from promotion.configuration.policy import Policy
from promotion.gates import refusals
from promotion.gates.static_gate import Part, static_findings
from promotion.options import Options
from promotion.pipelines.project import Project
from promotion.planning.plan import Plan, make_plan
from promotion.repository.git import Repository

LOADS = LOADER.format(name="orders")
LOAD_ORDERS, STARTS = f"{PROJECT}/data_loaders/load_orders.py", f"{PROJECT}/custom/start.py"
MONEY, VALUES = f"{PROJECT}/utils/money.py", "environments/dev/values.yaml"
TRIGGERS, NEEDS = (f"{PROJECT}/pipelines/{path}" for path in ("orders/triggers.yaml", "stock/promotion.yaml"))
OF_NOBODY = values("dev", schedules={"nightly": schedule("nobody")})
WITHOUT_HOST = values("dev").replace("WAREHOUSE_HOST", "ANOTHER_HOST")
STARTER = """\
from mage_ai.orchestration.triggers.api import trigger_pipeline
if 'custom' not in globals():
    from mage_ai.data_preparation.decorators import custom
import os


@custom
def start(*args, **kwargs):
    trigger_pipeline('stock')
    return os.environ['WAREHOUSE_HOST']
"""


@pytest.fixture
def released(promoted_to_dev: Path) -> Path:
    """Dev runs the small project and a pipeline that starts another; the gate says yes to all of it."""
    write(promoted_to_dev, {STARTS: STARTER})
    write_pipeline(promoted_to_dev, "starts", [block("start", "custom")])
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    return promoted_to_dev


def plan(clone: Path, *selected: str) -> Plan:
    """Return the plan of promoting `selected` from main to dev, which asks for the static gate."""
    with Repository.find(clone) as repository:
        repository.fetch()
        main = main_side(repository)
        environment = replace(load_environment(main.tree, "dev"), policy=Policy("main", ("static",)))
        return make_plan(
            make_draft(
                Request(
                    action="promotion",
                    source=main,
                    target=environment_side(repository, "dev"),
                    configuration=main,
                    environment=environment,
                    options=Options(selected, verify_dependants=True),
                    holds=(),
                    now=datetime.now(UTC),
                    remote=repository.remote,
                )
            )
        )


def found(plan: Plan) -> list[Finding]:
    return [
        finding for error in plan.verdict.refusals if isinstance(error, GateRefused) for finding in error.findings
    ]


# What is changed on main (None: removed), what of it is selected, and what is wrong then.
IN_A_PART: Mapping[str, tuple[Mapping[str, str | None], str, set[str]]] = {
    "nothing": ({LOAD_ORDERS: f"{LOADS}# newer\n"}, "orders", set()),
    "the form of a block": ({LOAD_ORDERS: "newer = 1\n"}, "orders", {"decorator-missing"}),
    "a syntax error": ({LOAD_ORDERS: f"{LOADS}def\n"}, "orders", {"syntax-error"}),
    "a variable": ({LOAD_ORDERS: f"{LOADS}os.environ['NOBODYS']\n"}, "orders", {"name-not-supplied"}),
    "a secret": ({LOAD_ORDERS: f"{LOADS}password = 'correct horse'\n"}, "orders", {"secret-in-clear"}),
    "an import": ({LOAD_ORDERS: f"import {PROJECT}.utils.nowhere\n{LOADS}"}, "orders", {"import-missing"}),
    "a file that two share": ({MONEY: "import os\nos.environ['NOBODYS']\n"}, "orders", {"name-not-supplied"}),
    "triggers": ({TRIGGERS: "triggers: [{name: a}]\n"}, "orders", {"triggers-in-project"}),
    "a new pipeline": ({metadata_of("new"): "blocks: [{uuid: a}]\n"}, "new", {"malformed-key"}),
    "what starts another": ({STARTS: STARTER.replace("stock", "nobody")}, "starts", {"called-pipeline-missing"}),
    "needs": ({NEEDS: "needs: [nobody]\n"}, "stock", {"needed-pipeline-missing"}),
}
IN_ALL: Mapping[str, tuple[Mapping[str, str | None], str, set[str]]] = {
    "a pipeline that another starts": ({metadata_of("stock"): None}, "stock", {"called-pipeline-missing"}),
    "a setting that another reads": ({VALUES: WITHOUT_HOST}, "orders", {"name-not-supplied"}),
    "a schedule": ({VALUES: OF_NOBODY}, "orders", {"schedule-without-pipeline"}),
}


@pytest.mark.parametrize("change", [*IN_A_PART, *IN_ALL])
def test_a_selection_is_refused_for_what_the_whole_gate_finds(
    released: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    plan(released, "orders")  # remembers that what dev runs passes
    files, selected, codes = {**IN_A_PART, **IN_ALL}[change]
    change_files(released, files)
    push(released)
    parts: list[Part | None] = []

    def noting(project: Project, environments: Sequence[Environment], part: Part | None = None) -> list[Finding]:
        parts.append(part)
        return static_findings(project, environments, part)

    monkeypatch.setattr(refusals, "static_findings", noting)
    findings = found(plan(released, selected))
    assert {finding.code for finding in findings} == codes
    assert [part is not None for part in parts[-1:]] == [change in IN_A_PART]
    monkeypatch.setattr(refusals, "_not_passed", lambda draft: None)
    assert findings == found(plan(released, selected))


def test_what_did_not_pass_before_is_looked_at_again(released: Path) -> None:
    """Dev took it when its policy did not ask for the gate."""
    write(released, {f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n"})
    push(released)
    promote(released, "main", "dev")
    write(released, {LOAD_ORDERS: f"{LOADS}# newer\n"})
    push(released)
    assert [finding.code for finding in found(plan(released, "orders"))] == ["decorator-missing"]
