"""`scripts/new.py`: pipelines and blocks that run at once, in the style of the project."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from helpers import (
    LOADER,
    PROJECT,
    Result,
    block,
    call_script,
    metadata_of,
    static_findings,
    write,
    write_loading_pipeline,
    write_pipeline,
)


def new(folder: Path, *arguments: str) -> Result:
    result = call_script(folder, "new", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return result


def refusal(folder: Path, *arguments: str) -> str:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = call_script(folder, "new", *arguments, "--json")
    assert result.exit_code == 64
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    code: str = result.document["error"]["code"]
    return code


def text_of(folder: Path, path: str) -> str:
    return (folder / PROJECT / path).read_text()


def blocks_of(folder: Path, pipeline: str) -> list[tuple[str, list[str], list[str]]]:
    metadata = yaml.safe_load((folder / metadata_of(pipeline)).read_text())
    return [
        (each["uuid"], each["upstream_blocks"], each.get("downstream_blocks", [])) for each in metadata["blocks"]
    ]


def test_a_new_pipeline_has_blocks_a_test_and_its_rows_and_passes_the_static_gate(sources: Path) -> None:
    written = new(sources, "pipeline", "parcels").document["new"]
    assert written["next"] == "scripts/run.py . -p parcels"
    assert [path.removeprefix(f"{PROJECT}/") for path in written["files"]] == [
        "data_loaders/load_parcels.py",
        "transformers/clean_parcels.py",
        "tests/fixtures/parcels.csv",
        "tests/test_parcels.py",
        "pipelines/parcels/promotion.yaml",
        "pipelines/parcels/metadata.yaml",
    ]
    assert static_findings(sources) == []
    assert blocks_of(sources, "parcels") == [
        ("load_parcels", [], ["clean_parcels"]),
        ("clean_parcels", ["load_parcels"], []),
    ]


def test_a_project_without_pipelines_gets_its_first(tmp_path: Path) -> None:
    write(tmp_path, {f"{PROJECT}/metadata.yaml": "project_type: main\n"})
    new(tmp_path, "pipeline", "first")
    assert "if 'data_loader' not in globals():" in text_of(tmp_path, "data_loaders/load_first.py")


def test_the_guard_has_the_form_that_most_blocks_have(sources: Path) -> None:
    for name in ("orders", "returns", "stock"):
        text = LOADER.format(name=name).replace("'data_loader' not in globals()", '"data_loader" not in dir()')
        write(sources, {f"{PROJECT}/data_loaders/load_{name}.py": text})
    new(sources, "pipeline", "parcels")
    assert '\nif "data_loader" not in dir():\n' in text_of(sources, "data_loaders/load_parcels.py")
    assert text_of(sources, "transformers/clean_parcels.py").startswith('if "transformer" not in dir():\n')


def test_loaders_are_named_as_most_loaders_are(tmp_path: Path) -> None:
    write(tmp_path, {f"{PROJECT}/data_loaders/stock_loader.py": LOADER.format(name="stock")})
    write_pipeline(tmp_path, "stock", [block("stock_loader", "data_loader")])
    new(tmp_path, "pipeline", "parcels")
    assert [name for name, _, _ in blocks_of(tmp_path, "parcels")] == ["parcels_loader", "clean_parcels"]


def test_the_loader_is_sql_with_the_usual_profile_where_most_loaders_are(sources: Path) -> None:
    way = {"data_provider": "postgres", "data_provider_profile": "default"}
    several = [block(f"load_{n}", "data_loader", language="sql", configuration=way) for n in range(4)]
    write_pipeline(sources, "queries", several)
    write(sources, {f"{PROJECT}/data_loaders/load_{n}.sql": "select 1\n" for n in range(4)})
    new(sources, "pipeline", "parcels")
    metadata = yaml.safe_load((sources / metadata_of("parcels")).read_text())
    assert metadata["blocks"][0]["configuration"] == {**way, "use_raw_sql": True}
    assert "select " in text_of(sources, "data_loaders/load_parcels.sql")
    assert static_findings(sources) == []


def test_a_new_block_stands_behind_the_last_one(sources: Path) -> None:
    written = new(sources, "block", "score", "-p", "orders").document["new"]
    assert written["next"] == "scripts/run.py . -p orders --block score"
    assert blocks_of(sources, "orders")[-1] == ("score", ["clean"], [])
    new(sources, "block", "tell", "-p", "orders", "--type", "data_exporter")
    assert blocks_of(sources, "orders")[-2:] == [("score", ["clean"], ["tell"]), ("tell", ["score"], [])]
    assert static_findings(sources) == []


def test_what_a_crash_left_is_no_obstacle(sources: Path) -> None:
    new(sources, "pipeline", "parcels")
    (sources / metadata_of("parcels")).unlink()
    (sources / PROJECT / "pipelines/parcels/promotion.yaml").unlink()
    (sources / PROJECT / "pipelines/parcels").rmdir()
    new(sources, "pipeline", "parcels")


@pytest.mark.parametrize("name", ["Orders", "two words", "1st", "class", "a-b", "ümsatz", "x" * 51, "a/b", ""])
def test_a_name_that_something_cannot_take_is_refused(sources: Path, name: str) -> None:
    assert refusal(sources, "pipeline", name) == "bad-name"
    assert refusal(sources, "block", name, "-p", "orders") == "bad-name"


def test_nothing_that_exists_is_replaced(sources: Path) -> None:
    assert refusal(sources, "pipeline", "orders") == "name-taken"
    assert refusal(sources, "block", "clean", "-p", "orders") == "name-taken"
    write_loading_pipeline(sources, "parcels")
    write(sources, {f"{PROJECT}/transformers/score.py": "mine = 1\n"})
    assert refusal(sources, "block", "score", "-p", "orders") == "name-taken"


def test_a_block_needs_a_pipeline_and_a_folder_a_project(sources: Path, tmp_path: Path) -> None:
    assert refusal(sources, "block", "score") == "usage"
    assert refusal(sources, "block", "score", "-p", "ordres") == "unknown-pipeline"
    (tmp_path / "elsewhere").mkdir()
    assert refusal(tmp_path / "elsewhere", "pipeline", "orders") == "not-a-project"
