"""`promote.py why`: every reference between a pipeline and a file, with its place; or whose the file is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpers import (
    PROJECT,
    block,
    call_script,
    git,
    metadata_of,
    promote,
    push,
    refused,
    run_script,
    write,
    write_pipeline,
)

CLEAN = f"{PROJECT}/transformers/clean.py"
MONEY = f"{PROJECT}/utils/money.py"
REGISTRY = f"{PROJECT}/global_data_products.yaml"


def why(clone: Path, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = call_script(clone, "promote", "why", *arguments, "--json").document["why"]
    return document


def told(clone: Path, *arguments: str) -> str:
    result = call_script(clone, "promote", "why", *arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def line_of(clone: Path, path: str, text: str) -> int:
    return (clone / path).read_text().splitlines().index(text) + 1


def test_the_whole_chain_is_told_with_its_places(project: Path) -> None:
    line = line_of(project, metadata_of("orders"), "  uuid: clean")
    assert told(project, "orders", MONEY).splitlines() == [
        f"orders needs {MONEY}:",
        f"  orders → {metadata_of('orders')}  folder of pipeline orders",
        f"  {metadata_of('orders')}:{line} → {CLEAN}  block clean",
        f"  {CLEAN}:1 → {MONEY}  imported by {CLEAN}",
        "So do returns: an environment has one version of it.",
    ]


def test_a_block_of_another_pipeline_is_reached_by_the_data_product(project: Path) -> None:
    configuration = {"global_data_product": {"uuid": "takings"}}
    write(project, {REGISTRY: "visits: {object_uuid: stock}\ntakings: {object_uuid: orders}\n"})
    write_pipeline(project, "stock", [block("theirs", "global_data_product", configuration=configuration)])
    entry = line_of(project, metadata_of("stock"), "  uuid: theirs")
    places = [(link["file"], link["referrer"], link["line"]) for link in why(project, "stock", MONEY)["chain"]]
    assert places[:3] == [
        (metadata_of("stock"), None, None),
        (REGISTRY, metadata_of("stock"), entry),
        (metadata_of("orders"), REGISTRY, 2),
    ]
    assert places[-1] == (MONEY, CLEAN, 1)


def test_of_several_chains_the_shortest_is_told(project: Path) -> None:
    deep, load = f"{PROJECT}/utils/deep.py", f"{PROJECT}/data_loaders/load_orders.py"
    write(project, {CLEAN: f"import {PROJECT}.utils.deep\n"})
    write(project, dict.fromkeys((deep, load), f"import {PROJECT}.utils.money\n"))
    assert [link["file"] for link in why(project, "orders", MONEY)["chain"]][1:] == [load, MONEY]


@pytest.mark.parametrize(
    ("path", "whose"),
    [
        (MONEY, "it belongs to orders, returns"),
        (f"{PROJECT}/io_config.yaml", "no pipeline needs it, so it belongs to the platform"),
        ("Dockerfile", "no pipeline needs it, so it belongs to the platform"),
        ("environments/dev/values.yaml", "it configures dev"),
        ("README.md", "no release holds it"),
    ],
)
def test_a_file_that_is_not_needed_says_whose_it_is(project: Path, path: str, whose: str) -> None:
    shown = told(project, "stock", path)
    assert f"stock does not need {path}:" in shown
    assert whose in shown
    document = why(project, "stock", path)
    assert (document["needed"], document["chain"], whose in document["belongs_to"]) == (False, [], True)


def test_where_references_cannot_be_followed_a_no_is_none_for_sure(project: Path) -> None:
    write(project, {f"{PROJECT}/data_loaders/load_stock.py": "import mage_project.utils.mony\n"})
    shown = told(project, "stock", MONEY)
    assert f"{PROJECT}/data_loaders/load_stock.py:1: imports mage_project.utils.mony" in shown


def test_it_looks_at_the_work_tree_without_a_remote(project: Path) -> None:
    git(project, "remote", "set-url", "origin", "../nowhere.git")
    write(project, {CLEAN: "uncommitted = 1\n"})
    assert not why(project, "orders", MONEY)["needed"]


def test_it_looks_at_what_an_environment_runs(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {CLEAN: "newer = 1\n"})
    push(promoted_to_dev)
    assert [why(promoted_to_dev, "orders", MONEY, place)["needed"] for place in ("dev", "main")] == [True, False]
    promote(promoted_to_dev, "main", "dev")
    assert not why(promoted_to_dev, "orders", MONEY, "dev")["needed"]


@pytest.mark.parametrize("path", ["utils/money.py", "./utils/money.py"])
def test_a_path_may_be_from_where_one_is(project: Path, path: str) -> None:
    assert why(project / PROJECT, "orders", path)["file"] == MONEY


@pytest.mark.parametrize(
    ("arguments", "code", "fix"),
    [
        (["order", MONEY], "unknown-pipeline", "write orders"),
        (["orders", f"{PROJECT}/utils/mony.py"], "unknown-file", f"one of {MONEY}"),
        (["orders", "../money.py"], "unknown-file", ""),
        (["orders", MONEY, "qa"], "unknown-environment", "one of dev"),
        (["orders", MONEY, "dev"], "no-release", "scripts/promote.py main dev"),
        (["orders"], "usage", "scripts/promote.py why --help"),
    ],
)
def test_what_is_not_there_is_named(project: Path, arguments: list[str], code: str, fix: str) -> None:
    error = refused(project, "promote", "why", *arguments)
    assert (error["exit_code"], error["code"]) == (64, code)
    assert error["fix"].startswith(fix)


def test_mage_is_not_needed_for_it(project: Path, tmp_path: Path) -> None:
    write(tmp_path / "first", {"mage_ai/__init__.py": "raise SystemExit('imported')\n"})
    result = run_script(project, "promote", "why", "orders", MONEY, PYTHONPATH=str(tmp_path / "first"))
    assert result.exit_code == 0, result.stderr
