"""A project with a name of its own, and packages beside it: what code and blocks name by these is followed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import (
    PROJECT,
    ROOT,
    block,
    call_script,
    metadata_of,
    only,
    places,
    promote,
    push,
    released_files,
    released_text,
    static_findings,
    tree_of,
    write,
    write_pipeline,
)
from promotion.pipelines.project import Project

NAME = "unit_3"
LOCK = (ROOT / "requirements.txt").read_text()
LINK = f"packages/{NAME}"
MONEY, RATES = f"{PROJECT}/utils/money.py", f"{PROJECT}/data/rates.csv"
CUSTOM = f"{PROJECT}/custom/x.py"
CODE = """\
if 'custom' not in globals():
    from mage_ai.data_preparation.decorators import custom


@custom
def run(*args, **kwargs):
    {}
"""


def give_name(folder: Path, name: str = NAME) -> None:
    """Give the project in `folder` a name of its own."""
    (folder / "packages").mkdir(exist_ok=True)
    (folder / "packages" / name).symlink_to(f"../{PROJECT}")


def write_block(folder: Path, code: str, **more: Any) -> None:
    """Write the pipeline `named` of one block, whose function has the line `code`."""
    write(folder, {CUSTOM: CODE.format(code)})
    write_pipeline(folder, "named", [block("x", "custom", **more)])


@pytest.fixture
def named(sources: Path) -> Path:
    """A project that is named `unit_3`."""
    give_name(sources)
    write(sources, {RATES: "a\n"})
    return sources


def closure(folder: Path) -> set[str]:
    """Return what the pipeline `named` needs beside its folder and its block."""
    return set(Project(tree_of(folder)).closure("named").files) - {metadata_of("named"), CUSTOM}


@pytest.mark.parametrize(
    ("code", "file"),
    [
        ("import unit_3.utils.money", MONEY),
        ("from unit_3.utils.money import rounded", MONEY),
        ("from unit_3.utils import money", MONEY),
        ("import importlib; importlib.import_module('unit_3.utils.money')", MONEY),
        ("import mage_project.utils.money", MONEY),
        ("open('unit_3/data/rates.csv')", RATES),
        ("open('/home/src/unit_3/data/rates.csv')", RATES),
        ("from importlib import resources; (resources.files('unit_3.data') / 'rates.csv').read_text()", RATES),
    ],
)
def test_the_project_is_followed_by_its_own_name(named: Path, code: str, file: str) -> None:
    write_block(named, code)
    assert closure(named) == {file}
    assert static_findings(named) == []


@pytest.mark.parametrize("path", ["unit_3/custom/x.py", "custom/x.py"])
def test_a_block_may_name_its_file_by_the_projects_own_name(named: Path, path: str) -> None:
    write_block(named, "return 1")
    write_pipeline(named, "named", [block("y", "custom", configuration={"file_path": path})])
    assert CUSTOM in Project(tree_of(named)).closure("named").files
    assert static_findings(named) == []


@pytest.mark.parametrize("path", ["/home/src/unit_3/custom/x.py", "unit_3/../../x.py", "../x.py", "/x.py"])
def test_a_block_file_outside_the_project_is_still_refused(named: Path, path: str) -> None:
    write_block(named, "return 1")
    write_pipeline(named, "named", [block("y", "custom", configuration={"file_path": path})])
    assert only(static_findings(named)).code == "path-outside-project"


def test_a_module_that_the_project_lacks_is_named_as_it_is_imported(named: Path) -> None:
    write_block(named, "import unit_3.utils.nowhere")
    finding = only(static_findings(named))
    assert (finding.code, finding.path, finding.line) == ("import-missing", CUSTOM, 7)
    assert "imports unit_3.utils.nowhere," in finding.problem
    assert f"add {PROJECT}/utils/nowhere.py" in finding.fix


@pytest.mark.parametrize("code", ["import tools.deep", "from tools import deep", "from tools.deep import value"])
def test_a_package_beside_the_project_is_part_of_the_closure(sources: Path, code: str) -> None:
    package = {"packages/tools/__init__.py": "", "packages/tools/deep.py": "from . import more\nvalue = 1\n"}
    write(sources, package | {"packages/tools/more.py": "", "packages/tools/unused.py": ""})
    write_block(sources, code)
    assert closure(sources) == {*package, "packages/tools/more.py"}
    assert static_findings(sources) == []


def test_a_module_beside_the_project_is_part_of_the_closure(sources: Path) -> None:
    write(
        sources,
        {"packages/alone.py": "import os\nopen(os.path.dirname(__file__) + '/a.csv')\n", "packages/a.csv": ""},
    )
    write_block(sources, "import alone")
    assert closure(sources) == {"packages/alone.py", "packages/a.csv"}


def test_a_module_that_a_package_beside_the_project_lacks_is_refused(sources: Path) -> None:
    write(sources, {"packages/tools/__init__.py": ""})
    write_block(sources, "import tools.nowhere")
    finding = only(static_findings(sources))
    assert (finding.code, finding.problem.split(",")[0]) == ("import-missing", "imports tools.nowhere")
    assert "add packages/tools/nowhere.py" in finding.fix


@pytest.mark.parametrize(
    "code", ["import old.utils.money", "from old.utils import money", "from old.utils.money import rounded"]
)
def test_an_import_by_a_name_that_the_project_has_not_says_how_to_give_it(sources: Path, code: str) -> None:
    write_pipeline(sources, "named", [block("x", "custom")])
    write(sources, {"requirements.txt": LOCK, CUSTOM: f"{code}\n{CODE.format('return 1')}"})
    finding = only(static_findings(sources))
    assert places([finding]) == [("import-missing", CUSTOM, 1)]
    assert finding.fix == "give the project that name: ln -s ../mage_project packages/old"
    give_name(sources, "old")
    assert static_findings(sources) == []


def test_an_import_by_another_name_than_the_projects_own_says_the_own(named: Path) -> None:
    write_pipeline(named, "named", [block("x", "custom")])
    write(named, {"requirements.txt": LOCK, CUSTOM: f"import old.utils.money\n{CODE.format('return 1')}"})
    assert only(static_findings(named)).fix == "write unit_3 instead"


@pytest.mark.parametrize("path", ["/home/src/old/custom/x.py", "/Users/ada/pipelines/old/custom/x.py"])
def test_a_block_file_by_an_absolute_path_says_the_relative_one(sources: Path, path: str) -> None:
    write_block(sources, "return 1")
    write_pipeline(sources, "named", [block("y", "custom", configuration={"file_path": path})])
    finding = only(static_findings(sources))
    assert (finding.code, finding.fix) == ("path-outside-project", f"write custom/x.py, which is below {PROJECT}/")


def test_a_block_file_by_a_name_that_the_project_has_not_says_how_to_give_it(sources: Path) -> None:
    write_block(sources, "return 1")
    write_pipeline(sources, "named", [block("y", "custom", configuration={"file_path": "old/custom/x.py"})])
    assert "ln -s ../mage_project packages/old" in only(static_findings(sources)).fix


def test_a_project_has_one_name(named: Path) -> None:
    give_name(named, "unit_4")
    assert places(static_findings(named)) == [("two-names", "packages/unit_4", None)]


def test_another_link_out_of_packages_is_refused(sources: Path) -> None:
    write(sources, {"docs/a.py": "", "packages/b.py": ""})
    (sources / "packages/docs").symlink_to("../docs")
    assert places(static_findings(sources)) == [("symlink-outside-project", "packages/docs", None)]


def test_a_release_has_the_name_and_tells_the_chart(project: Path) -> None:
    give_name(project)
    write(project, {"packages/tools/deep.py": ""})
    write_block(project, "import tools.deep, unit_3.utils.money")
    push(project)
    promote(project, "main", "dev")
    assert {LINK, "packages/tools/deep.py"} <= set(released_files(project, "dev"))
    assert yaml.safe_load(released_text(project, "dev", "release.yaml"))["project"] == {"folder": LINK}
    assert call_script(project, "verify", "dev").exit_code == 0


def test_a_release_without_a_name_tells_the_chart_nothing(promoted_to_dev: Path) -> None:
    assert "project" not in yaml.safe_load(released_text(promoted_to_dev, "dev", "release.yaml"))


def test_a_promotion_of_one_pipeline_brings_its_packages(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {"packages/tools/deep.py": "", "packages/other/deep.py": ""})
    write_block(promoted_to_dev, "import tools.deep")
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev", "-p", "named")
    released = released_files(promoted_to_dev, "dev")
    assert "packages/tools/deep.py" in released
    assert "packages/other/deep.py" not in released


def test_why_takes_a_file_by_the_projects_own_name(project: Path) -> None:
    give_name(project)
    write_block(project, "import unit_3.utils.money")
    result = call_script(project, "promote", "why", "named", f"{NAME}/utils/money.py")
    assert f"named needs {MONEY}" in result.stdout
