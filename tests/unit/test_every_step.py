"""A promotion is a row of git commands: right before each in turn it is killed, overtaken or cut off."""

from __future__ import annotations

from pathlib import Path

from disturbed import GIT, killed_at_every_step, steps
from helpers import (
    PROJECT,
    call_script,
    git,
    head,
    promote,
    record,
    released_text,
    remote_of,
    untouched,
)

LOAD_ORDERS = f"{PROJECT}/data_loaders/load_orders.py"
LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"
PROMOTE_ORDERS = ("promote", "main", "dev", "-p", "orders", "--yes", "--json")


def move(clone: Path, commit: str) -> None:
    git(remote_of(clone), "update-ref", "refs/heads/env/dev", commit)


def assert_sound(clone: Path, releases: int) -> None:
    assert count_releases(clone) == record(clone, "dev")["number"] == releases
    assert call_script(clone, "verify", "dev").exit_code == 0


def count_releases(clone: Path) -> int:
    return int(git(remote_of(clone), "rev-list", "--count", "env/dev"))


def test_a_kill_at_every_step_leaves_the_old_release_or_the_new_one(two_changes: Path) -> None:
    before = untouched(two_changes)
    for _ in killed_at_every_step(two_changes, *PROMOTE_ORDERS):
        assert untouched(two_changes) == before
        assert count_releases(two_changes) == record(two_changes, "dev")["number"]
    assert_sound(two_changes, releases=2)


def test_somebody_elses_release_at_every_step_is_kept(two_changes: Path) -> None:
    old = head(two_changes, "env/dev")
    promote(two_changes, "main", "dev", "-p", "stock")
    theirs = head(two_changes, "env/dev")
    overtake = f'GIT_DIR="{remote_of(two_changes)}" "{GIT}" update-ref refs/heads/env/dev {theirs} {old}'
    for step in steps(two_changes, overtake):
        move(two_changes, old)
        result = call_script(two_changes, *PROMOTE_ORDERS, **step.variables())
        assert result.exit_code == 0, result.stderr
        assert released_text(two_changes, "dev", LOAD_ORDERS) == "newer = 1"
        assert count_releases(two_changes) == (3 if step.reached else 2)
    assert_sound(two_changes, releases=2)


def test_a_remote_that_is_gone_at_every_step_keeps_the_old_release(two_changes: Path) -> None:
    remote, old = remote_of(two_changes), head(two_changes, "env/dev")
    away = remote.with_name("away.git")
    before = untouched(two_changes)
    for step in steps(two_changes, f'mv "{remote}" "{away}"'):
        result = call_script(two_changes, *PROMOTE_ORDERS, **step.variables())
        if step.reached:
            away.rename(remote)
            assert result.document["error"]["code"] in ("remote-unreachable", "push-unknown")
            assert head(two_changes, "env/dev") == old
        assert untouched(two_changes) == before
    assert_sound(two_changes, releases=2)
