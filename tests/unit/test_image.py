"""Which tree an image is built from, and under which tag: before Docker is asked for anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers import PROJECT, call_script, commit, git, released_text, write
from promotion.commands.image import tree_of_checkout
from promotion.record.release import image_tag

STRAY = f"{PROJECT}/data_loaders/stray.py"
LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"


def tag(clone: Path) -> str:
    return image_tag(tree_of_checkout(clone))


def test_the_tag_of_a_clean_clone_is_the_one_in_the_release_made_of_it(promoted_to_dev: Path) -> None:
    assert f"tag: {tag(promoted_to_dev)}\n" in released_text(promoted_to_dev, "dev", "release.yaml")


@pytest.mark.parametrize("path", [LOAD_STOCK, "Dockerfile", "requirements.txt", f"{PROJECT}/new.py"])
def test_a_change_of_what_goes_into_the_image_changes_the_tag(project: Path, path: str) -> None:
    before = tag(project)
    write(project, {path: "# changed\n"})
    commit(project)
    assert tag(project) != before


@pytest.mark.parametrize("path", ["README.md", "charts/mage/Chart.yaml", "environments/dev/values.yaml"])
def test_no_other_change_does(project: Path, path: str) -> None:
    before = tag(project)
    write(project, {path: "# changed\n"})
    commit(project)
    assert tag(project) == before


def test_a_file_that_git_does_not_know_stays_out_of_the_image(project: Path) -> None:
    before = tag(project)
    write(project, {STRAY: "x = 1\n"})
    assert tag(project) == before


def test_a_file_that_stays_out_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, {STRAY: "x = 1\n"})
    tag(project)
    assert f"not in the image: {STRAY}" in capsys.readouterr().err


def test_an_ignored_file_is_no_news(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, {f"{PROJECT}/run.log": "noise\n"})
    tag(project)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("staged", [False, True], ids=["in the work tree", "in the index"])
def test_an_edit_that_is_not_committed_is_built_and_told(
    project: Path, capsys: pytest.CaptureFixture[str], *, staged: bool
) -> None:
    before = tag(project)
    write(project, {LOAD_STOCK: "x = 1\n"})
    if staged:
        git(project, "add", LOAD_STOCK)
    assert tag(project) != before
    assert f"not committed: {LOAD_STOCK}; no release will have this image's tag" in capsys.readouterr().err


def test_a_machine_without_docker_is_told_what_to_install(project: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "git")
    result = call_script(project, "image", "build", "--json", PATH=str(programs))
    error = result.document["error"]
    assert (error["code"], result.exit_code) == ("program-missing", 1)
    assert error["fix"].startswith("install Docker: ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "usage"),
        (["build", "--push", "--load", "cluster"], "usage"),
        (["build", "nowhere"], "unknown-environment"),
        (["build", "./nowhere"], "no-folder"),
        (["build", "dev"], "no-release"),
        (["build", PROJECT], "no-dockerfile"),
        (["build", "/"], "not-a-project"),
    ],
    ids=lambda given: given if isinstance(given, str) else " ".join(given),
)
def test_a_tree_that_cannot_be_built_is_a_usage_error(project: Path, arguments: list[str], code: str) -> None:
    result = call_script(project, "image", *arguments, "--json")
    assert (result.document["error"]["code"], result.exit_code) == (code, 64)
    assert result.document["error"]["fix"]
