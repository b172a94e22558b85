"""`scripts/run.py`: what a data engineer types to try a pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import helpers
from helpers import (
    EXAMPLE,
    MONEY,
    TRANSFORMER,
    WHOLE_IO_CONFIG,
    Result,
    metadata_of,
    promote,
    push,
    run_script,
    write,
)
from runtime.postgres import Server


@pytest.fixture(autouse=True)
def empty_warehouse(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests' own server stands for the local one, and keeps no warehouse from one test to the next."""
    monkeypatch.setenv("LOCAL_POSTGRES_URL", server.url())
    yield
    server.drop_database("warehouse_dev")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of the small project whose dev has a release."""
    clone = helpers.make_clone(tmp_path / "a team's work")
    write(clone, {"mage_project/io_config.yaml": WHOLE_IO_CONFIG})
    push(clone)
    promote(clone, "main", "dev")
    return clone


def run_real(*arguments: str) -> Result:
    """Run pipelines of the example."""
    return run_script(EXAMPLE, "run", ".", *arguments)


def runs(result: Result) -> list[dict[str, Any]]:
    """Return the runs of a result's JSON document."""
    made: list[dict[str, Any]] = result.document["runs"]
    return made


def test_every_block_tells_status_seconds_and_rows() -> None:
    result = run_real("-p", "airport_reference", "--json")
    assert result.exit_code == 0, result.stderr
    (run,) = runs(result)
    assert (run["pipeline"], run["status"]) == ("airport_reference", "completed")
    blocks = [(block["block"], block["status"], block["rows"]) for block in run["blocks"]]
    assert ("load_airports", "completed", 1458) in blocks
    assert all(block["seconds"] > 0 for block in run["blocks"])


def test_each_day_is_run_after_what_it_needs() -> None:
    names = ("-p", "late_flight_alerts", "-p", "flights_daily")
    result = run_real(*names, "--days", "2013-02-07..2013-02-08", "--quiet")
    assert result.exit_code == 0, result.stderr
    assert [line.split(",")[0].split() for line in result.stdout.splitlines()] == [
        ["flights_daily", "2013-02-07", "completed"],
        ["flights_daily", "2013-02-08", "completed"],
        ["late_flight_alerts", "2013-02-07", "completed"],
        ["late_flight_alerts", "2013-02-08", "completed"],
    ]


def test_a_failed_run_tells_block_reason_and_what_it_waits_for() -> None:
    result = run_real("-p", "late_flight_alerts", "--days", "2013-03-01")
    assert result.exit_code == 3
    assert "not true within" in result.stdout
    advice = "late_flight_alerts reads what flights_daily wrote: did that run before?"
    assert f"  fix: read the errors above; {advice}\n" in result.stderr


def test_an_environment_runs_its_release_not_the_work_tree(clone: Path) -> None:
    write(clone, {"mage_project/data_loaders/load_stock.py": "broken\n"})
    result = run_script(clone, "run", "dev", "-p", "stock")
    assert result.exit_code == 0, result.stderr


def test_a_folder_runs_as_it_is_with_uncommitted_changes(clone: Path) -> None:
    write(clone, {"mage_project/data_loaders/load_stock.py": "broken\n"})
    result = run_script(clone, "run", ".", "-p", "stock", "--json")
    assert (result.exit_code, result.document["error"]["code"]) == (3, "run-failed")
    assert runs(result)[0]["blocks"][0]["status"] == "failed"


def test_the_first_failure_tells_input_log_and_the_command_for_the_block_alone(clone: Path) -> None:
    broken = TRANSFORMER.replace("    return", "    print('about to divide')\n    return 1 / 0 #")
    write(clone, {"mage_project/transformers/clean.py": broken})
    result = run_script(clone, "run", ".", "-p", "orders")
    assert result.exit_code == 3
    told = result.stdout.partition("first failure: ")[2].splitlines()
    assert told[0] == "block clean of orders"
    assert told[1] == "  input   load_orders: list of 2"
    assert "  log     about to divide" in told
    assert told[-1] == "  alone   scripts/run.py . -p orders --block clean"


def test_a_block_runs_alone_after_those_that_it_needs(clone: Path) -> None:
    result = run_script(clone, "run", ".", "-p", "orders", "--block", "load_orders", "--json")
    assert result.exit_code == 0, result.stderr
    assert [(block["block"], block["status"]) for block in runs(result)[0]["blocks"]] == [
        ("load_orders", "completed")
    ]
    result = run_script(clone, "run", ".", "-p", "orders", "--block", "clean", "--json")
    assert [block["block"] for block in runs(result)[0]["blocks"]] == ["load_orders", "clean"]


def test_a_new_pipeline_runs_at_once(clone: Path) -> None:
    assert run_script(clone, "new", "pipeline", "parcels").exit_code == 0
    result = run_script(clone, "run", ".", "-p", "parcels", "--json")
    assert result.exit_code == 0, result.stderr
    assert [block["rows"] for block in runs(result)[0]["blocks"]] == [2, 2]


def test_a_pipeline_that_cannot_be_read_is_refused_with_what_is_wrong_in_it(clone: Path) -> None:
    write(clone, {metadata_of("stock"): "blocks: [\n"})
    result = run_script(clone, "run", ".", "-p", "stock", "--json")
    error = result.document["error"]
    assert (result.exit_code, error["code"]) == (3, "unreadable")
    assert [finding["code"] for finding in error["findings"]] == ["malformed-yaml"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["staging"], "no-release"),
        (["dev", "--block", "clean"], "usage"),
        (["dev", "-p", "orders", "--block", "claen"], "unknown-block"),
        (["nowhere"], "unknown-environment"),
        (["dev", "-p", "nothing"], "unknown-pipeline"),
        (["mage_project"], "not-a-project"),
        (["dev", "--days", "2013-02-30"], "usage"),
        (["dev", "--days", "2013-02-08..2013-02-07"], "usage"),
        (["dev", "--days", "2013-02-04.."], "usage"),
        (["./dev"], "no-folder"),
    ],
)
def test_what_cannot_be_run_is_refused(clone: Path, arguments: list[str], code: str) -> None:
    result = run_script(clone, "run", *arguments, "--json")
    assert result.exit_code == 64
    assert result.document["error"]["code"] == code
    assert result.document["error"]["fix"]


def test_a_temporary_folder_with_a_long_path_is_no_obstacle(clone: Path, tmp_path: Path) -> None:
    folder = tmp_path / ("long " * 12) / "tmp"
    folder.mkdir(parents=True)
    result = run_script(clone, "run", ".", "-p", "orders", TMPDIR=str(folder))
    assert result.exit_code == 0, result.stderr


def test_a_profile_that_would_reach_the_real_database_is_refused(clone: Path) -> None:
    imported = "from mage_ai.io.config import ConfigFileLoader\n"
    opened = "def connected():\n    return ConfigFileLoader('io_config.yaml', 'default')\n"
    write(
        clone,
        {
            "mage_project/io_config.yaml": WHOLE_IO_CONFIG.replace("{{ env_var('WAREHOUSE_HOST') }}", "db.prod"),
            "mage_project/utils/money.py": f"{imported}\n\n{MONEY}\n\n{opened}",
        },
    )
    result = run_script(clone, "run", ".", "--json")
    assert result.exit_code == 3
    assert result.document["error"]["code"] == "cannot-bind"
    assert "POSTGRES_HOST" in result.document["error"]["message"]


@pytest.mark.parametrize("address", ["mysql://x", "postgresql://me@127.0.0.1:1/"])
def test_a_server_that_cannot_be_used_is_named_with_a_fix(clone: Path, address: str) -> None:
    result = run_script(clone, "run", ".", "--json", LOCAL_POSTGRES_URL=address)
    assert result.exit_code == 6
    assert result.document["error"]["code"] == "no-server"
    assert "unset LOCAL_POSTGRES_URL" in result.document["error"]["fix"]
