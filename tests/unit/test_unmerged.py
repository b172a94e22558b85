"""`promote.py HEAD dev --plan`: what the merge of a branch would do, before it is merged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpers import PROJECT, call_script, commit, git, push, refused, write


@pytest.fixture
def branch(promoted_to_dev: Path) -> Path:
    """A clone on a branch that changes a pipeline; the remote does not have it."""
    git(promoted_to_dev, "switch", "--quiet", "--create", "feature")
    change(promoted_to_dev)
    commit(promoted_to_dev)
    return promoted_to_dev


def change(clone: Path) -> None:
    block = clone / f"{PROJECT}/data_loaders/load_orders.py"
    write(clone, {f"{PROJECT}/data_loaders/load_orders.py": block.read_text() + "\n# later\n"})


def change_main(clone: Path, pipeline: str) -> None:
    """Let somebody else's change of a pipeline come to the remote's main."""
    git(clone, "switch", "--quiet", "main")
    write(clone, {f"{PROJECT}/data_loaders/load_{pipeline}.py": "newer = 1\n"})
    push(clone)
    git(clone, "switch", "--quiet", "feature")


def planned(clone: Path, source: str) -> tuple[int, dict[str, Any]]:
    result = call_script(clone, "promote", source, "dev", "--plan", "--json")
    assert result.exit_code in (0, 2), result.stderr
    return result.exit_code, result.document["plan"]


def test_it_is_the_plan_that_the_merge_will_have(branch: Path) -> None:
    before, _ = planned(branch, "main")
    exit_code, unmerged = planned(branch, "HEAD")
    git(branch, "switch", "--quiet", "main")
    git(branch, "merge", "--quiet", "--ff-only", "feature")
    push(branch)
    assert (before, exit_code) == (0, 2)
    assert unmerged["pipelines"] == planned(branch, "main")[1]["pipelines"]


def test_what_came_to_main_meanwhile_stays(branch: Path) -> None:
    change_main(branch, "stock")
    _, unmerged = planned(branch, "HEAD")
    git(branch, "merge", "--quiet", "origin/main")
    git(branch, "push", "--quiet", "origin", "HEAD:main")
    assert unmerged["pipelines"] == planned(branch, "main")[1]["pipelines"]


def test_a_conflict_with_main_is_refused(branch: Path) -> None:
    change_main(branch, "orders")
    error = refused(branch, "promote", "HEAD", "dev", "--plan")
    assert (error["code"], error["exit_code"]) == ("merge-conflict", 5)
    assert "load_orders.py" in error["message"]


def test_it_reads_the_configuration_of_the_branch(branch: Path) -> None:
    write(branch, {"environments/dev/policy.yaml": "source: main\ngates: [static]\nfrozen: true\n"})
    commit(branch)
    error = refused(branch, "promote", "HEAD", "dev", "--plan")
    assert [finding["problem"] for finding in error["findings"] if "frozen" in finding["problem"]]


def test_it_writes_nothing(branch: Path) -> None:
    before = git(branch, "ls-remote", "origin")
    planned(branch, "HEAD")
    assert git(branch, "ls-remote", "origin") == before


@pytest.mark.parametrize("mode", [("--yes",), ("--plan", "-o", "plan.json"), ()])
def test_it_can_only_be_looked_at(branch: Path, mode: tuple[str, ...]) -> None:
    error = refused(branch, "promote", "HEAD", "dev", *mode)
    assert (error["code"], error["exit_code"]) == ("usage", 64)
    assert "--plan" in error["fix"]
    assert not (branch / "plan.json").exists()


def test_what_is_not_committed_is_refused(branch: Path) -> None:
    change(branch)
    error = refused(branch, "promote", "HEAD", "dev", "--plan")
    assert error["code"] == "uncommitted-changes"
    assert "the plan takes what HEAD has" in error["message"]
