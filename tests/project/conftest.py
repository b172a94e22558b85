"""The team's project as a promotion finds it: on main of a remote."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers import ROOT, git, push, work_tree_files


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose main has the files of this checkout, committed or not."""
    folder = tmp_path_factory.mktemp("project")
    clone = folder / "clone"
    for path, file in work_tree_files().items():
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, clone / path, follow_symlinks=False)
    git(folder, "init", "--quiet", "--template=", "--bare", "--initial-branch=main", "remote.git")
    git(clone, "init", "--quiet", "--template=", "--initial-branch=main")
    git(clone, "remote", "add", "origin", "../remote.git")
    push(clone, "Begin")
    return clone


@pytest.fixture(scope="session")
def environments() -> list[str]:
    """The environments, in the order of promotion."""
    from promotion.configuration.environment import environment_names
    from promotion.repository.work_tree import read_work_tree

    return environment_names(read_work_tree(ROOT))
