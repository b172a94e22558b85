"""No commit leaves the machine that holds what is none of its environment's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from basics.errors import GateRefused
from helpers import GIT, PROJECT, edit_branch, git, head, promote, push, released_files, remote_refs, write
from promotion.commands.promote import plan_promotion
from promotion.options import Options
from promotion.planning.plan import Plan
from promotion.releasing.allow_list import refuse_other_paths
from promotion.releasing.apply import apply
from promotion.repository.git import Repository
from promotion.repository.tree import Tree

LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"


def apply_tampered(clone: Path, tamper: Callable[[Plan], Tree]) -> None:
    """Carry out a promotion to dev whose composed tree is what `tamper` makes of the plan's."""
    with Repository.find(clone) as repository:
        plan = plan_promotion(repository, "main", "dev", Options())
        tampered = replace(plan, draft=replace(plan.draft, tree=tamper(plan)))
        apply(tampered, lambda: plan, repository)


def with_files(plan: Plan, paths: list[str]) -> Tree:
    """Return the plan's tree and at each of `paths` a file more."""
    return plan.draft.tree.overlaid_with(
        Tree(dict.fromkeys(paths, plan.draft.tree[LOAD_STOCK]), plan.draft.tree._blobs)
    )


@pytest.fixture
def changed_stock(promoted_to_staging: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Dev and staging are released; main has a newer version of stock."""
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)
    write(promoted_to_staging, {LOAD_STOCK: "newer = 1\n"})
    push(promoted_to_staging)
    return promoted_to_staging


def test_a_commit_with_other_paths_is_not_pushed(changed_stock: Path) -> None:
    other = [
        ".gitattributes",
        ".github/workflows/release.yaml",
        "README.md",
        "charts.yaml",
        "environments/development/values.yaml",
        "environments/prod/values.yaml",
    ]
    before = remote_refs(changed_stock)
    with pytest.raises(GateRefused) as refusal:
        apply_tampered(changed_stock, lambda plan: with_files(plan, other))
    assert [(finding.path, finding.code) for finding in refusal.value.findings] == [
        (path, "path-not-allowed") for path in other
    ]
    assert remote_refs(changed_stock) == before


@pytest.mark.parametrize(
    "path", [f"{PROJECT}/../x", f"{PROJECT}/.git/hooks/pre-push", f"{PROJECT}/.GIT/config", "x//y"]
)
def test_a_path_that_no_tree_may_have_is_refused(path: str) -> None:
    with pytest.raises(GateRefused) as refusal:
        refuse_other_paths([path], "dev")
    assert refusal.value.code == "path-not-allowed"


def test_a_foreign_file_that_was_put_there_by_hand_is_gone_with_the_next_release(changed_stock: Path) -> None:
    edit_branch(changed_stock, "env/dev", {"environments/prod/values.yaml": "env: prod\n"})
    promote(changed_stock, "main", "dev")
    assert "environments/prod/values.yaml" not in released_files(changed_stock, "dev")


def test_what_is_on_a_source_branch_by_hand_does_not_travel(changed_stock: Path) -> None:
    ours, foreign = "environments/staging/values.yaml", "x.sh"
    edit_branch(changed_stock, "env/dev", {ours: "env: dev\n", foreign: "exit 1\n", LOAD_STOCK: "by_hand = 1\n"})
    promote(changed_stock, "dev", "staging")
    changed = git(changed_stock, "show", "--format=", "--name-only", head(changed_stock, "env/staging"))
    assert changed.splitlines() == [LOAD_STOCK, "release.yaml"]
