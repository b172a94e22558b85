"""Situations: each fixture is a clone of its own, next to its remote, in a path with a space."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers import PROJECT, git, make_clone, promote, push, remote_of, write, write_project


@pytest.fixture(scope="session")
def situations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one made situation per name; a situation is the one before it and one promotion more."""
    root = tmp_path_factory.mktemp("made situations")
    clone = make_clone(root / "project")
    for name, source, target in (
        ("promoted_to_dev", "main", "dev"),
        ("promoted_to_staging", "dev", "staging"),
        ("promoted_to_prod", "staging", "prod"),
    ):
        shutil.copytree(clone.parent, root / name, symlinks=True)
        clone = root / name / "clone"
        promote(clone, source, target)
    for repository in (*root.glob("*/clone"), *root.glob("*/remote.git")):
        git(repository, "repack", "-a", "-d", "--quiet")  # each copy is some files then instead of hundreds
    return root


def _copy(situations: Path, name: str, tmp_path: Path) -> Path:
    folder = tmp_path / "a team's work"
    shutil.copytree(situations / name, folder, symlinks=True)
    clone = folder / "clone"
    assert remote_of(clone).is_dir()
    git(clone, "status")  # the copy's time stamps enter the index now, not when a command under test looks
    return clone


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The files of the small project, without a repository around them."""
    write_project(tmp_path)
    return tmp_path


@pytest.fixture
def project(situations: Path, tmp_path: Path) -> Path:
    """A clone whose main is pushed; no environment has a release."""
    return _copy(situations, "project", tmp_path)


@pytest.fixture
def promoted_to_dev(situations: Path, tmp_path: Path) -> Path:
    """Dev runs all of main."""
    return _copy(situations, "promoted_to_dev", tmp_path)


@pytest.fixture
def two_changes(promoted_to_dev: Path) -> Path:
    """Dev runs the first version of everything; main has newer versions of orders and stock."""
    loaders = (f"{PROJECT}/data_loaders/load_{name}.py" for name in ("orders", "stock"))
    write(promoted_to_dev, dict.fromkeys(loaders, "newer = 1\n"))
    push(promoted_to_dev)
    return promoted_to_dev


@pytest.fixture
def promoted_to_staging(situations: Path, tmp_path: Path) -> Path:
    """Dev and staging run all of main."""
    return _copy(situations, "promoted_to_staging", tmp_path)


@pytest.fixture
def promoted_to_prod(situations: Path, tmp_path: Path) -> Path:
    """Every environment runs all of main."""
    return _copy(situations, "promoted_to_prod", tmp_path)
