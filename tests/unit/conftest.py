"""Situations that many tests begin in. Each is a clone of its own, next to its remote, in a path with a space."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import PROJECT, promote, push, write, write_project
from promotion.adopting.plan import EXAMPLES_ID
from unit.adoption import FILES
from unit.situations import Situations, situation


@pytest.fixture(scope="session")
def situations(tmp_path_factory: pytest.TempPathFactory) -> Situations:
    """What situations are copied from."""
    return Situations(tmp_path_factory.mktemp("made situations"))


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The files of the small project, without a repository around them."""
    write_project(tmp_path)
    return tmp_path


@pytest.fixture
def project(situations: Situations, tmp_path: Path) -> Path:
    """A clone whose main is pushed; no environment has a release."""
    return situations.copy("project", tmp_path / "a team's work")


@situation("project")
def promoted_to_dev(clone: Path) -> None:
    """Dev runs all of main."""
    promote(clone, "main", "dev")


@situation("promoted_to_dev")
def promoted_to_staging(clone: Path) -> None:
    """Dev and staging run all of main."""
    promote(clone, "dev", "staging")


@situation("promoted_to_staging")
def promoted_to_prod(clone: Path) -> None:
    """Every environment runs all of main."""
    promote(clone, "staging", "prod")


@situation("promoted_to_dev")
def two_changes(clone: Path) -> None:
    """Dev runs the first version of everything; main has newer versions of orders and stock."""
    loaders = (f"{PROJECT}/data_loaders/load_{name}.py" for name in ("orders", "stock"))
    write(clone, dict.fromkeys(loaders, "newer = 1\n"))
    push(clone)


@situation("project")
def template(clone: Path) -> None:
    """A clone whose project is the example."""
    write(clone, {f"{PROJECT}/metadata.yaml": f"project_type: standalone\n{EXAMPLES_ID}\n"})
    push(clone)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A Mage project from elsewhere, outside of git."""
    folder = tmp_path / "a team's repository" / "unit_3"
    write(folder, FILES)
    return folder
