"""What the static gate says of names: variables that nobody supplies, profiles and pipelines that are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import (
    PROJECT,
    block,
    metadata_of,
    only,
    places,
    push,
    refused,
    schedule,
    static_findings,
    values,
    write,
    write_environment_gates,
    write_pipeline,
)

ORDERS = metadata_of("orders")
MONEY = f"{PROJECT}/utils/money.py"


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        (MONEY, "import os\n\nREGION = os.getenv('SALES_REGION')\n", 3),
        (MONEY, "import os\nREGION = os.environ['SALES_REGION']\n", 2),
        (MONEY, "from os import environ\nREGION = environ.get('SALES_REGION')\n", 2),
        (MONEY, "import os\nREGION = os.getenv(key='SALES_REGION')\n", 2),
        (MONEY, "import os as o\nREGION = o.getenv('SALES_REGION')\n", 2),
        (MONEY, "from os import environ as e\nREGION = e['SALES_REGION']\n", 2),
        (MONEY, "from os import getenv as g\nREGION = g('SALES_REGION')\n", 2),
    ],
)
def test_a_name_that_the_target_does_not_supply_is_refused(sources: Path, path: str, text: str, line: int) -> None:
    finding = next(f for f in static_findings(sources, {path: text}) if f.code == "name-not-supplied")
    assert places([finding]) == [("name-not-supplied", path, line)]
    assert "SALES_REGION" in finding.problem
    assert finding.environments == ("dev",)
    assert "environments/<env>/values.yaml" in finding.fix


def test_a_name_that_a_database_of_the_chart_supplies_passes(sources: Path) -> None:
    code = "def rounded(amount):\n    return amount\n" + "import os\nHOST = os.environ['LAKE_HOST']\n"
    dev = values("dev", postgres={"databases": ["lake"]})
    assert static_findings(sources, {MONEY: code, "environments/dev/values.yaml": dev}) == []


@pytest.mark.parametrize(
    "code",
    [
        "from mage_ai.io.config import ConfigFileLoader\nC = ConfigFileLoader('io_config.yaml', 'lake')\n",
        "from mage_ai.io.config import ConfigFileLoader\nC = ConfigFileLoader(None, profile='lake')\n",
    ],
)
def test_a_profile_that_code_names_and_io_config_lacks_is_refused(sources: Path, code: str) -> None:
    finding = only(static_findings(sources, {MONEY: code}))
    assert places([finding]) == [("profile-missing", MONEY, 2)]
    assert "lake" in finding.problem
    assert finding.fix.startswith(f"write default; or add it to {PROJECT}/io_config.yaml")


def test_a_profile_that_a_block_names_and_io_config_lacks_is_refused(sources: Path) -> None:
    configuration = {"data_provider_profile": "lake"}
    write_pipeline(sources, "orders", [block("load_orders", "data_loader", configuration=configuration)])
    assert places(static_findings(sources)) == [("profile-missing", ORDERS, 7)]


def test_a_schedule_that_names_no_pipeline_is_refused(sources: Path) -> None:
    path = "environments/dev/values.yaml"
    finding = only(static_findings(sources, {path: values("dev", schedules={"nightly": schedule("nobody")})}))
    assert places([finding]) == [("schedule-without-pipeline", path, 10)]
    assert "schedules.nightly" in finding.problem
    assert finding.fix == "promote it too (-p nobody) if main has it, or remove the schedule on main"


def test_a_schedule_that_misspells_its_pipeline_is_told_the_nearest(sources: Path) -> None:
    path = "environments/dev/values.yaml"
    finding = only(static_findings(sources, {path: values("dev", schedules={"nightly": schedule("ordres")})}))
    assert finding.fix.endswith(", or write orders, or remove the schedule on main")


# Pipelines that are named in code, and by hooks

STARTING = "from mage_ai.orchestration.triggers.api import trigger_pipeline\n"
WAITING = "from mage_ai.orchestration.run_status_checker import check_status\n"
HOOKS = f"{PROJECT}/global_hooks.yaml"


@pytest.mark.parametrize(
    "code",
    [
        STARTING + "trigger_pipeline('nobody')\n",
        STARTING + "trigger_pipeline(pipeline_uuid='nobody', variables={})\n",
        STARTING + "name = 'nobody'; trigger_pipeline(name)\n",
        STARTING + "for name in ['orders', 'nobody']: trigger_pipeline(name)\n",
        WAITING + "def wait(): return check_status('nobody', None, hours=1)\n",
        "from mage_ai.orchestration.triggers import api\napi.trigger_pipeline('nobody')\n",
    ],
)
def test_a_pipeline_that_code_starts_or_waits_for_must_be_in_the_release(sources: Path, code: str) -> None:
    finding = only(static_findings(sources, {MONEY: code}))
    assert places([finding]) == [("called-pipeline-missing", MONEY, 2)]
    assert "-p nobody" in finding.fix
    assert static_findings(sources, {MONEY: code.replace("nobody", "stock")}) == []


@pytest.mark.parametrize(
    "code",
    [
        STARTING + "def start(name): trigger_pipeline(name)\n",
        "def check_status(order): ...\ncheck_status('paid')\n",
    ],
)
def test_what_is_not_known_to_name_a_pipeline_passes(sources: Path, code: str) -> None:
    assert static_findings(sources, {MONEY: code}) == []


def test_a_partial_promotion_counts_what_the_target_keeps(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {f"{PROJECT}/data_loaders/load_stock.py": STARTING + "trigger_pipeline('orders')\n"})
    write_environment_gates(promoted_to_dev, "dev", ["static"])
    push(promoted_to_dev)
    error = refused(promoted_to_dev, "promote", "main", "dev", "-p", "stock", "--yes")
    assert "called-pipeline-missing" not in {finding["code"] for finding in error["findings"]}


def test_a_pipeline_that_a_hook_runs_must_be_in_the_release(sources: Path) -> None:
    hook = "resources:\n  Pipeline:\n    execute:\n    - uuid: tell\n      pipeline: {uuid: nobody}\n"
    assert places(static_findings(sources, {HOOKS: hook})) == [("hooked-pipeline-missing", HOOKS, 5)]
    assert static_findings(sources, {HOOKS: hook.replace("nobody", "stock")}) == []


def test_hooks_that_are_no_yaml_are_named_with_their_line(sources: Path) -> None:
    assert places(static_findings(sources, {HOOKS: "resources:\n\t- a\n"})) == [("malformed-yaml", HOOKS, 2)]
