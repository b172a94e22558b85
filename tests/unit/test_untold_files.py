"""Without gates, too, no pipeline is released with too few files."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import (
    PROJECT,
    block,
    call_script,
    metadata_of,
    promote,
    push,
    refused,
    released_files,
    write,
    write_pipeline,
)

HEAD = "name: orders\nuuid: orders\ntype: python\n"
LOAD_ORDERS = f"{PROJECT}/data_loaders/load_orders.py"


@pytest.mark.parametrize(
    ("folder", "file"), [("ai", "ai/ask.py"), ("ais", "ais/ask.py"), (None, "somewhere/ask.py")]
)
def test_a_block_of_a_type_that_mage_does_not_know_brings_its_file(
    promoted_to_dev: Path, folder: str | None, file: str
) -> None:
    ask = block("ask", "ai", configuration={} if folder else {"file_path": file})
    write_pipeline(promoted_to_dev, "stock", [block("load_stock", "data_loader"), ask])
    write(promoted_to_dev, {f"{PROJECT}/{file}": "ask = 1\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev", "-p", "stock")
    assert f"{PROJECT}/{file}" in released_files(promoted_to_dev, "dev")


def test_of_a_key_that_is_there_twice_the_last_counts_as_for_mage(promoted_to_dev: Path) -> None:
    late = f"{PROJECT}/custom/late.py"
    twice = "blocks: [{uuid: load_orders, type: data_loader}]\nblocks: [{uuid: late, type: custom}]\n"
    write(promoted_to_dev, {metadata_of("orders"): HEAD + twice, late: "late = 1\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev", "-p", "orders")
    assert late in released_files(promoted_to_dev, "dev")


@pytest.mark.parametrize("selection", [["-p", "orders"], []])
@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ("blocks: [\n", "malformed-yaml"),
        ("blocks: [{uuid: load_orders}]\n", "malformed-key"),
        ("blocks: [{uuid: gone, type: custom}]\n", "block-file-missing"),
        ("blocks: [{uuid: gone, type: custom, configuration: {file_path: /x.py}}]\n", "path-outside-project"),
    ],
)
def test_what_hides_the_files_of_a_pipeline_is_refused(
    promoted_to_dev: Path, selection: list[str], blocks: str, code: str
) -> None:
    write(promoted_to_dev, {metadata_of("orders"): HEAD + blocks})
    push(promoted_to_dev)
    error = refused(promoted_to_dev, "promote", "main", "dev", *selection, "--yes")
    assert (error["exit_code"], error["code"]) == (3, "untold-files")
    assert {(finding["code"], finding["path"]) for finding in error["findings"]} == {(code, metadata_of("orders"))}


def test_other_pipelines_can_be_promoted_meanwhile(promoted_to_dev: Path) -> None:
    write(
        promoted_to_dev, {metadata_of("orders"): "blocks: [\n", f"{PROJECT}/data_loaders/load_stock.py": "x = 1\n"}
    )
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev", "-p", "stock")


def test_a_rollback_does_not_ask(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {LOAD_ORDERS: "x = 1\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    assert call_script(promoted_to_dev, "rollback", "dev", "--yes", "--reason", "wrong").exit_code == 0
