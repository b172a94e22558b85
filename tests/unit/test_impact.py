"""What a plan says of the data: no impact only where a run cannot do anything else than before."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import (
    PROJECT,
    call_script,
    git,
    metadata_of,
    only,
    places,
    promote,
    push,
    static_findings,
    write,
    write_loading_pipeline,
)

LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"
SAVE_STOCK = f"{PROJECT}/data_exporters/save_stock.sql"
STOCK = f"{PROJECT}/pipelines/stock"
LOADER = '''\
@data_loader
def load():
    """Not data?"""
    return [1.5]
'''


def rows(clone: Path) -> dict[str, dict[str, Any]]:
    """Return what the plan of a promotion to dev says of each pipeline."""
    plan = call_script(clone, "promote", "main", "dev", "--plan", "--json").document["plan"]
    return {row["name"]: row for row in plan["pipelines"]}


def kind(clone: Path, files: dict[str, str | bytes]) -> str:
    """Return the impact that `files` have on the data of `stock`."""
    write(clone, files)
    push(clone)
    (row,) = rows(clone).values()
    impact: str = row["impact"]["kind"]
    return impact


@pytest.fixture
def stock(promoted_to_dev: Path) -> Path:
    """Dev runs `stock` with a loader, a block of SQL, a description and a page about it."""
    metadata = yaml.safe_load((promoted_to_dev / metadata_of("stock")).read_text())
    save = {"uuid": "save_stock", "type": "data_exporter", "language": "sql", "upstream_blocks": ["load_stock"]}
    metadata |= {"description": "old", "blocks": [*metadata["blocks"], save]}
    write(
        promoted_to_dev,
        {
            LOAD_STOCK: LOADER,
            SAVE_STOCK: "insert into stock values (1);\n",
            metadata_of("stock"): yaml.safe_dump(metadata),
            f"{STOCK}/README.md": "old\n",
        },
    )
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    return promoted_to_dev


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (LOAD_STOCK, LOADER.replace("    return [1.5]", "    # why not\n    return [\n        1.50,\n    ]")),
        (f"{STOCK}/README.md", "new\n"),
        (f"{STOCK}/promotion.yaml", "needs: []\n"),
    ],
)
def test_what_no_run_can_notice_has_no_impact(stock: Path, path: str, content: str) -> None:
    assert kind(stock, {path: content}) == "none"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (LOAD_STOCK, LOADER.replace("1.5", "1.6")),
        (LOAD_STOCK, LOADER.replace("Not data?", "It may be.")),
        (LOAD_STOCK, "def load(:\n"),
        (LOAD_STOCK, b"# \xff\n"),
        (SAVE_STOCK, "insert into stock values (1); -- as before\n"),
        (f"{STOCK}/interactions.yaml", "blocks: {}\n"),
    ],
)
def test_whatever_a_run_might_notice_changes_the_output(stock: Path, path: str, content: str | bytes) -> None:
    assert kind(stock, {path: content}) == "output changes"


def test_python_that_nobody_can_parse_is_compared_as_it_stands(stock: Path) -> None:
    write(stock, {LOAD_STOCK: "def load(:\n"})
    push(stock)
    promote(stock, "main", "dev")
    assert kind(stock, {LOAD_STOCK: "def load(::\n"}) == "output changes"


@pytest.mark.parametrize(
    ("change", "impact"),
    [
        ({"description": "new", "tags": ["finance"]}, "none"),
        ({"variables": {"region": "north"}}, "output changes"),
        ({"name": "Stock"}, "output changes"),
    ],
)
def test_of_metadata_only_what_people_read_has_no_impact(stock: Path, change: dict[str, Any], impact: str) -> None:
    metadata = yaml.safe_load((stock / metadata_of("stock")).read_text())
    assert kind(stock, {metadata_of("stock"): yaml.safe_dump(metadata | change)}) == impact


def test_a_file_that_becomes_executable_changes_the_output(stock: Path) -> None:
    (stock / LOAD_STOCK).chmod(0o755)
    assert kind(stock, {}) == "output changes"


def test_a_new_pipeline_is_new_output(project: Path) -> None:
    assert {row["impact"]["kind"] for row in rows(project).values()} == {"new output"}


def test_a_removed_and_a_renamed_pipeline_have_no_impact(promoted_to_dev: Path) -> None:
    git(promoted_to_dev, "rm", "--quiet", "-r", f"{PROJECT}/pipelines/returns")
    git(promoted_to_dev, "mv", STOCK, f"{PROJECT}/pipelines/goods")
    push(promoted_to_dev)
    found = {row["action"]: row["impact"]["kind"] for row in rows(promoted_to_dev).values()}
    assert found == {"removed": "none", "renamed": "none"}


def test_a_pipeline_that_comes_back_finds_the_tables_that_it_left(promoted_to_dev: Path) -> None:
    git(promoted_to_dev, "rm", "--quiet", "-r", STOCK)
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    write_loading_pipeline(promoted_to_dev, "stock")
    assert kind(promoted_to_dev, {}) == "new output"  # nobody else wrote to them
    assert kind(promoted_to_dev, {LOAD_STOCK: LOADER}) == "output changes"


def test_who_shares_a_file_shares_its_impact(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {f"{PROJECT}/utils/money.py": "def rounded(amount):\n    return 0\n"})
    push(promoted_to_dev)
    shown = call_script(promoted_to_dev, "promote", "main", "dev", "-p", "orders", "--plan", "--json").document
    found = {(row["action"], row["impact"]["kind"]) for row in shown["plan"]["pipelines"]}
    assert found == {("changed", "output changes"), ("affected", "output changes")}


def test_those_who_read_its_tables_run_for_the_same_days(promoted_to_dev: Path) -> None:
    report, sums, page = (f"{PROJECT}/pipelines/{name}/promotion.yaml" for name in ("orders", "returns", "page"))
    write_loading_pipeline(promoted_to_dev, "page")
    write(promoted_to_dev, {report: "needs: [returns]\n", sums: "needs: [stock]\n"})
    write(promoted_to_dev, {page: "needs: [returns]\nbackfill: never\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    write(promoted_to_dev, {LOAD_STOCK: LOADER})
    push(promoted_to_dev)
    assert rows(promoted_to_dev)["stock"]["impact"]["backfill"]["readers"] == ["returns", "orders"]
    for form in ([], ["--markdown"]):
        shown = call_script(promoted_to_dev, "promote", "main", "dev", "--plan", *form).stdout
        assert re.search(r"output changes, backfill from [\d-]+, then returns, orders\b", shown)
    promote(promoted_to_dev, "main", "dev")
    assert ", then returns, orders\n" in call_script(promoted_to_dev, "promote", "backfill", "dev").stdout


# What the owner says


@pytest.mark.parametrize(
    ("word", "days", "told"),
    [("never", None, "output changes, no backfill"), ("30d", 30, ", at most 30 days"), (None, None, " from 20")],
)
def test_the_owner_says_how_far_back_a_change_matters(
    stock: Path, word: str | None, days: int | None, told: str
) -> None:
    files = {LOAD_STOCK: "newer = 1\n"} | ({f"{STOCK}/promotion.yaml": f"backfill: {word}\n"} if word else {})
    write(stock, files)
    push(stock)
    impact = rows(stock)["stock"]["impact"]
    assert (impact["backfill"] or {}).get("days") == days
    assert (impact["backfill"] is None) == (word == "never")
    for form in ([], ["--markdown"]):
        assert told in call_script(stock, "promote", "main", "dev", "--plan", *form).stdout


@pytest.mark.parametrize("word", ["30", "0d", "30 days", "yes", "[30d]", "10000d", "-1d"])
def test_a_range_that_is_none_is_refused_with_its_line(sources: Path, word: str) -> None:
    finding = only(static_findings(sources, {f"{STOCK}/promotion.yaml": f"needs: []\nbackfill: {word}\n"}))
    assert places([finding]) == [("malformed-key", f"{STOCK}/promotion.yaml", 2)]
    assert finding.problem.startswith("backfill: ")
    assert "backfill: 30d" in finding.fix
