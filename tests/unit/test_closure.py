"""Closures and digests: a pipeline's digest changes when, and only when, a file that it needs does."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import PROJECT, block, metadata_of, static_findings, tree_of, write, write_pipeline
from promotion.pipelines.project import Project

MONEY = f"{PROJECT}/utils/money.py"
CLEAN = f"{PROJECT}/transformers/clean.py"
LOAD_ORDERS = f"{PROJECT}/data_loaders/load_orders.py"


def digests(folder: Path) -> dict[str, str]:
    project = Project(tree_of(folder))
    return {name: project.digest(name) for name in project.pipelines}


def changed_by(folder: Path, files: dict[str, str | bytes]) -> set[str]:
    before = digests(folder)
    write(folder, files)
    return {name for name, digest in digests(folder).items() if digest != before.get(name)}


def closure(folder: Path, name: str = "orders") -> set[str]:
    return set(Project(tree_of(folder)).closure(name).files)


def test_a_closure_is_the_folder_the_blocks_and_what_they_import(sources: Path) -> None:
    assert closure(sources) == {metadata_of("orders"), LOAD_ORDERS, CLEAN, MONEY}


def test_a_block_of_its_own_changes_only_its_pipeline(sources: Path) -> None:
    assert changed_by(sources, {LOAD_ORDERS: "x = 1\n"}) == {"orders"}


@pytest.mark.parametrize("path", [CLEAN, MONEY])
def test_a_shared_file_changes_every_pipeline_that_uses_it(sources: Path, path: str) -> None:
    assert changed_by(sources, {path: "x = 1\n"}) == {"orders", "returns"}


@pytest.mark.parametrize(
    "path",
    ["README.md", f"{PROJECT}/io_config.yaml", f"{PROJECT}/utils/unused.py", "environments/dev/values.yaml"],
)
def test_a_file_of_nobodys_closure_changes_no_pipeline(sources: Path, path: str) -> None:
    assert changed_by(sources, {path: "x: 1\n"}) == set()


def test_a_file_in_the_pipelines_folder_changes_it(sources: Path) -> None:
    assert changed_by(sources, {f"{PROJECT}/pipelines/orders/notes.md": "x\n"}) == {"orders"}


def test_the_same_content_again_changes_nothing(sources: Path) -> None:
    assert changed_by(sources, {MONEY: (sources / MONEY).read_bytes()}) == set()


def test_a_mode_changes_the_digest(sources: Path) -> None:
    before = digests(sources)
    (sources / LOAD_ORDERS).chmod(0o755)
    after = digests(sources)
    assert {name for name in before if before[name] != after[name]} == {"orders"}


def test_a_rename_changes_the_digest(sources: Path) -> None:
    notes = sources / f"{PROJECT}/pipelines/orders/notes.md"
    notes.write_text("same\n")
    before = digests(sources)
    notes.rename(notes.with_name("readme.md"))
    after = digests(sources)
    assert {name for name in before if before[name] != after[name]} == {"orders"}


def test_a_file_has_a_chain_of_reasons_that_begins_at_the_pipeline(sources: Path) -> None:
    files = Project(tree_of(sources)).closure("orders").files
    assert files[metadata_of("orders")] == ("folder of pipeline orders", None, None, None)
    assert files[CLEAN] == ("block clean", metadata_of("orders"), None, "clean")
    assert files[MONEY] == (f"imported by {CLEAN}", CLEAN, 1, None)


# Imports


@pytest.mark.parametrize(
    "importing",
    [
        "import mage_project.utils.deep\n",
        "import mage_project.utils.deep as d\n",
        "from mage_project.utils import deep\n",
        "from mage_project.utils import (\n    deep as d,\n)\n",
        "from mage_project.utils.deep import x\n",
        "from mage_project.utils.deep import *\n",
        "from .deep import x\n",
        "from . import deep\n",
        "from ..utils.deep import x\n",
        "def later():\n    from mage_project.utils import deep\n",
        "try:\n    import mage_project.utils.deep\nexcept ImportError:\n    pass\n",
    ],
)
def test_an_import_of_an_import_is_followed(sources: Path, importing: str) -> None:
    deep = f"{PROJECT}/utils/deep.py"
    write(sources, {deep: "x = 1\n", MONEY: importing})
    assert deep in closure(sources)


def test_a_package_brings_its_init_files(sources: Path) -> None:
    inits = {f"{PROJECT}/__init__.py", f"{PROJECT}/utils/__init__.py"}
    write(sources, dict.fromkeys(inits, ""))
    assert inits < closure(sources)


def test_a_name_that_a_package_defines_is_no_module_of_it(sources: Path) -> None:
    write(
        sources,
        {
            f"{PROJECT}/utils/__init__.py": "from mage_project.utils.deep import value\n",
            f"{PROJECT}/utils/deep.py": "value = 1\n",
            MONEY: "from mage_project.utils import value\n",
        },
    )
    project = Project(tree_of(sources))
    assert f"{PROJECT}/utils/deep.py" in project.closure("orders").files
    assert project.closure("orders").findings == ()


def test_modules_that_import_each_other_come_to_an_end(sources: Path) -> None:
    deep = f"{PROJECT}/utils/deep.py"
    write(sources, {MONEY: "import mage_project.utils.deep\n", deep: "import mage_project.utils.money\n"})
    assert {MONEY, deep} < closure(sources)


def test_an_import_of_a_linked_module_is_followed(sources: Path) -> None:
    real, deep = f"{PROJECT}/lib/money.py", f"{PROJECT}/utils/deep.py"
    write(sources, {real: "import mage_project.utils.deep\n", deep: "x = 1\n"})
    (sources / MONEY).unlink()
    (sources / MONEY).symlink_to("../lib/money.py")
    assert {MONEY, real, deep} < closure(sources)


def test_other_peoples_packages_are_not_followed(sources: Path) -> None:
    write(sources, {MONEY: "import os, pandas\nfrom mage_ai.io import config\n"})
    assert Project(tree_of(sources)).closure("orders").findings == ()


# Blocks: where Mage looks for their files


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        (block("a", "data_loader"), "data_loaders/a.py"),
        (block("a", "data_exporter", language="sql") | {"language": "sql"}, "data_exporters/a.sql"),
        (block("a", "transformer") | {"language": "r"}, "transformers/a.r"),
        (block("a", "custom"), "custom/a.py"),
        (block("a", "sensor"), "sensors/a.py"),
        (block("deep/er/a", "data_loader"), "data_loaders/deep/er/a.py"),
        (block("a", "custom", configuration={"file_path": "elsewhere/b.py"}), "elsewhere/b.py"),
        (block("a", "custom", configuration={"file_path": f"{PROJECT}/elsewhere/b.py"}), "elsewhere/b.py"),
        (block("a", "custom", configuration={"file_source": {"path": "ignored.py"}}), "custom/a.py"),
        (block("a", "custom", has_callback=True), "callbacks/a_callback.py"),
        (block("deep/B-2.c", "custom", has_callback=True), "callbacks/deep_b_2_c_callback.py"),
        (block("2nd", "custom", has_callback=True), "callbacks/letter_2nd_callback.py"),
        (block("a", "custom", configuration={"file_path": "only/in/dbt.py"}), "dbt/only/in/dbt.py"),
        (block("a", "custom", configuration={"file_path": "nowhere/else.py"}), "some/where/nowhere/else.py"),
    ],
)
def test_a_blocks_file_is_where_mage_looks_for_it(sources: Path, entry: dict[str, object], path: str) -> None:
    write(sources, {f"{PROJECT}/{path}": ""})
    write_pipeline(sources, "orders", [entry])
    assert f"{PROJECT}/{path}" in closure(sources)


@pytest.mark.parametrize("kind", ["callback", "conditional"])
def test_what_two_pipelines_attach_to_their_blocks_belongs_to_both(sources: Path, kind: str) -> None:
    shared = f"{PROJECT}/{kind}s/shared.py"
    write(sources, {shared: ""})
    for name in ("orders", "stock"):
        blocks = [block(f"load_{name}", "data_loader")]
        write_pipeline(sources, name, blocks, **{f"{kind}s": [block("shared", kind, [f"load_{name}"])]})
    assert changed_by(sources, {shared: "x = 1\n"}) == {"orders", "stock"}


@pytest.mark.parametrize(
    ("kind", "folder"), [("callbacks", "callbacks"), ("conditionals", "conditionals"), ("widgets", "charts")]
)
def test_what_is_attached_to_blocks_is_part_of_the_closure(sources: Path, kind: str, folder: str) -> None:
    attached = block("watch", folder.removesuffix("s"), ["load_orders"])
    write(sources, {f"{PROJECT}/{folder}/watch.py": ""})
    write_pipeline(sources, "orders", [block("load_orders", "data_loader")], **{kind: [attached]})
    assert f"{PROJECT}/{folder}/watch.py" in closure(sources)


def test_a_replicated_block_has_no_file_of_its_own(sources: Path) -> None:
    blocks = [
        block("load_orders", "data_loader"),
        block("again", "data_loader", replicated_block="load_orders"),
    ]
    write_pipeline(sources, "orders", blocks)
    assert Project(tree_of(sources)).closure("orders").findings == ()


def test_a_replicated_block_has_a_callback_of_its_own(sources: Path) -> None:
    blocks = [
        block("load_orders", "data_loader"),
        block("again", "data_loader", replicated_block="load_orders", has_callback=True),
    ]
    write(sources, {f"{PROJECT}/callbacks/again_callback.py": ""})
    write_pipeline(sources, "orders", blocks)
    assert f"{PROJECT}/callbacks/again_callback.py" in closure(sources)


def test_interactions_that_the_pipeline_names_belong_to_it(sources: Path) -> None:
    write(
        sources,
        {
            f"{PROJECT}/pipelines/orders/interactions.yaml": "blocks: {load_orders: [{uuid: ask/day.yaml}]}\n",
            f"{PROJECT}/interactions/ask/day.yaml": "inputs: {}\n",
            f"{PROJECT}/interactions/other.yaml": "inputs: {}\n",
        },
    )
    found = {path for path in closure(sources) if "/interactions/" in path}
    assert found == {f"{PROJECT}/interactions/ask/day.yaml"}


def test_the_catalog_of_a_data_integration_pipeline_belongs_to_it(sources: Path) -> None:
    catalog = f"{PROJECT}/pipelines/orders/data_integration_catalog.json"
    blocks = [
        block("source", "data_loader") | {"language": "yaml"},
        block("rename", "transformer", ["source"]),
        block("sink", "data_exporter", ["rename"]) | {"language": "yaml"},
    ]
    paths = {f"{PROJECT}/{path}" for path in ("data_loaders/source.yaml", "data_exporters/sink.yaml")}
    write(sources, dict.fromkeys([*paths, catalog, f"{PROJECT}/transformers/rename.py"], ""))
    write_pipeline(sources, "orders", blocks, type="integration")
    assert closure(sources) == {metadata_of("orders"), catalog, *paths, f"{PROJECT}/transformers/rename.py"}


# dbt: the whole project around a block's file

DBT = f"{PROJECT}/dbt/shop"
DBT_FILES = {
    f"{DBT}/{name}": "" for name in ("dbt_project.yml", "profiles.yml", "models/deep/a.sql", "seeds/b.csv", "c.md")
}


@pytest.mark.parametrize(
    ("language", "configuration"),
    [
        ("sql", {"file_path": "dbt/shop/models/deep/a.sql"}),
        ("sql", {"file_path": f"{PROJECT}/dbt/shop/models/deep/a.sql"}),
        ("sql", {"file_path": "shop/models/deep/a.sql"}),
        ("sql", {"file_source": {"path": f"{DBT}/models/deep/a.sql"}}),
        ("yaml", {"dbt_project_name": f"{PROJECT}/dbt/shop"}),
        ("yaml", {"dbt_project_name": "shop"}),
        ("yaml", {"dbt_profiles_file_path": "dbt/shop/profiles.yml"}),
    ],
)
def test_a_dbt_block_brings_the_whole_project(
    sources: Path, language: str, configuration: dict[str, object]
) -> None:
    other = {f"{PROJECT}/dbt/other/dbt_project.yml": "", f"{PROJECT}/dbts/shop.yaml": "--select a\n"}
    write(sources, DBT_FILES | other)
    write_pipeline(sources, "orders", [block("shop", "dbt", configuration=configuration) | {"language": language}])
    own = {f"{PROJECT}/dbts/shop.yaml"} if language == "yaml" else set()
    assert closure(sources) == {metadata_of("orders"), *DBT_FILES, *own}
    assert Project(tree_of(sources)).closure("orders").findings == ()


def test_local_packages_of_a_dbt_project_come_with_it(sources: Path) -> None:
    packages = "packages:\n- local: ../common\n- package: dbt-labs/dbt_utils\n  version: 1.3.0\n"
    macro = f"{PROJECT}/dbt/common/macros/m.sql"
    back = {f"{PROJECT}/dbt/common/dependencies.yml": "packages: [{local: ../shop}]\n", macro: ""}
    write(sources, DBT_FILES | {f"{DBT}/packages.yml": packages} | back)
    write_pipeline(sources, "orders", [dbt_model("dbt/shop/models/deep/a.sql")])
    assert macro in closure(sources)


def test_a_model_outside_of_a_dbt_project_is_refused(sources: Path) -> None:
    write(sources, {f"{PROJECT}/dbt/a.sql": ""})
    write_pipeline(sources, "orders", [dbt_model("dbt/a.sql")])
    findings = Project(tree_of(sources)).closure("orders").findings
    assert [finding.code for finding in findings] == ["dbt-project-missing"]


def dbt_model(path: str) -> dict[str, object]:
    return block("shop", "dbt", configuration={"file_path": path}) | {"language": "sql"}


def test_global_data_products_that_need_each_other_come_to_an_end(sources: Path) -> None:
    registry = "orders: {object_uuid: orders}\nreturns: {object_uuid: returns}\n"
    write(sources, {f"{PROJECT}/global_data_products.yaml": registry})
    for name, other in (("orders", "returns"), ("returns", "orders")):
        product = block("theirs", "global_data_product", configuration={"global_data_product": {"uuid": other}})
        write_pipeline(sources, name, [block(f"load_{name}", "data_loader"), product])
    assert {LOAD_ORDERS, f"{PROJECT}/data_loaders/load_returns.py"} < closure(sources)


# Trees


def test_a_link_laid_over_a_folder_takes_its_place(sources: Path, tmp_path: Path) -> None:
    """Else a release written to disk would write through the link, out of its folder."""
    tree = tree_of(sources)
    other = tmp_path / "other"
    write(other, {f"{PROJECT}/keep": ""})
    (other / PROJECT / "utils").symlink_to("/tmp")
    composed = tree.overlaid_with(tree_of(other))
    assert [path for path in composed if path.startswith(f"{PROJECT}/utils")] == [f"{PROJECT}/utils"]


def test_a_folder_laid_over_a_file_takes_its_place(sources: Path, tmp_path: Path) -> None:
    write(tmp_path / "other", {f"{MONEY}/deep.py": ""})
    composed = tree_of(sources).overlaid_with(tree_of(tmp_path / "other"))
    assert MONEY not in composed
    assert f"{MONEY}/deep.py" in composed


@pytest.mark.parametrize("kind", ["chart", "group", "markdown", "scratchpad"])
def test_a_file_that_no_run_reads_may_be_missing(sources: Path, kind: str) -> None:
    blocks = [block("load_stock", "data_loader"), block("note", kind)]
    write_pipeline(sources, "stock", blocks)
    assert static_findings(sources) == []
    write(sources, {f"{PROJECT}/{kind}s/note.py": "x = 1\n"})
    assert f"{PROJECT}/{kind}s/note.py" in closure(sources, "stock")
