"""Mage runs a project by the name that it has of its own, and with packages beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mage.projects import Block, write_project
from promotion.layout import PROJECT
from promotion.pipelines.own_name import project_in
from runtime.load import load_pipelines
from runtime.run import Run, RunResult, run_pipelines

NAME = "unit_3"
IMPORTING = """
    @custom
    def imports(*args, **kwargs):
        import mage_project.utils.money, unit_3.utils.money
        from mage_ai.settings.repo import get_repo_path
        from tools.deep import value
        print(value, get_repo_path().rpartition('/')[2], unit_3.utils.money.value)
"""
BROKEN = """
    @custom
    def broken(*args, **kwargs):
        from unit_3.utils.money import fail
        fail()
"""


def by_path(uuid: str, path: str) -> Block:
    """Return a block whose file Mage finds by `path` only."""
    return Block(uuid, type="custom", options={"configuration": {"file_path": path}})


PIPELINES = {
    "imports": [Block("imports", IMPORTING, type="custom")],
    "relative": [by_path("relative", f"{NAME}/lib/one.py")],
    "broken": [Block("broken", BROKEN, type="custom")],
}
ONE = """
if 'custom' not in globals():
    from mage_ai.data_preparation.decorators import custom

@custom
def one(*args, **kwargs):
    print('one')
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunResult]:
    root = tmp_path_factory.mktemp("tree")
    project = write_project(root, PIPELINES).rename(root / PROJECT)
    (project / "custom/relative.py").unlink()
    files = {
        f"{PROJECT}/utils/money.py": "value = 3\n\ndef fail():\n    raise ValueError('too much')\n",
        f"{PROJECT}/lib/one.py": ONE,
        "packages/tools/deep.py": "value = 7\n",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "packages" / NAME).symlink_to(f"../{PROJECT}")
    assert load_pipelines(project_in(root), list(PIPELINES)) == {}
    runs = [Run(name) for name in PIPELINES]
    return {result.pipeline: result for result in run_pipelines(project_in(root), runs, environment={})}


def test_code_imports_the_project_by_both_names_and_a_package_beside_it(results: dict[str, RunResult]) -> None:
    assert results["imports"].blocks[0].output == "7 unit_3 3\n"


def test_a_block_is_found_by_a_path_that_begins_with_the_name(results: dict[str, RunResult]) -> None:
    assert results["relative"].blocks[0].output == "one\n"


def test_mage_cannot_load_a_block_whose_path_is_absolute(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"absolute": [by_path("absolute", "/home/src/project/lib/one.py")]})
    assert list(load_pipelines(project, ["absolute"])) == ["absolute"]


def test_an_error_is_told_with_its_place_in_the_project(results: dict[str, RunResult]) -> None:
    assert results["broken"].blocks[0].error == "too much (utils/money.py:4)"
