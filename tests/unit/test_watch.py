"""`promote.py watch`: what fails in the cluster is told, held or taken back. kubectl is a stand-in here."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from helpers import (
    PROJECT,
    call_script,
    change_dev,
    digests,
    git,
    head,
    promote,
    push,
    record,
    refusal_codes,
    refused,
    remote_of,
    remote_refs,
    roll_back_dev,
    write,
    write_loading_pipeline,
    write_program,
)
from unit.situations import situation
from unit.watched_dev import Dev, now, runs

LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"


@situation("promoted_to_staging")
def newer_stock_in_dev(clone: Path) -> None:
    """Dev's release 2 brought a newer stock."""
    change_dev(clone, LOAD_STOCK, "newer = 1\n")


@pytest.fixture
def dev(newer_stock_in_dev: Path) -> Dev:
    """Dev, which is watched for an hour."""
    dev = Dev(newer_stock_in_dev)
    dev.policy()
    return dev


FAILS = {1: runs(9, 0), 2: runs(0, 2)}
TOLD = "2 of 2 runs failed, in block load_stock (run 41)"


# What is asked for


def test_without_a_time_in_the_policy_nothing_is_watched(newer_stock_in_dev: Path) -> None:
    error = refused(newer_stock_in_dev, "promote", "watch", "dev")
    assert (error["code"], error["exit_code"]) == ("no-watch", 64)
    assert "environments/dev/policy.yaml" in error["message"]


def test_a_promotion_that_should_be_watched_is_refused_before_it_is_made(project: Path) -> None:
    assert refused(project, "promote", "main", "dev", "--yes", "--watch")["code"] == "no-watch"


@pytest.mark.parametrize("option", ["--plan", "--pr"])
def test_there_is_no_release_to_watch_yet(dev: Dev, option: str) -> None:
    error = refused(dev.clone, "promote", "main", "dev", option, "--watch")
    assert (error["code"], error["exit_code"]) == ("usage", 64)
    assert "scripts/promote.py watch dev" in error["fix"]


def test_what_may_change_something_asks_first(dev: Dev) -> None:
    dev.policy(on_failure="rollback")
    assert refused(dev.clone, "promote", "watch", "dev", PATH=dev.path)["code"] == "no-terminal"


def test_who_may_not_release_may_not_take_back(dev: Dev) -> None:
    dev.policy(on_failure="rollback", promoters=["bob@example.com"])
    assert refused(dev.clone, "promote", "watch", "dev", "--yes")["code"] == "not-a-promoter"
    assert dev.watch("--once", "--plan").exit_code == 0


# A look


def test_what_is_not_installed_yet_is_told_with_the_next_command(dev: Dev) -> None:
    dev.installed(1)
    result = call_script(dev.clone, "promote", "watch", "dev", "--once", PATH=dev.path)
    assert result.exit_code == 0, result.stderr
    assert "not installed yet: it runs release 1, and the branch has 2" in result.stdout
    assert "scripts/deploy.py dev" in result.stdout
    assert dev.watch("--once").document["watched"] == {"environment": "dev", "number": 2, "state": "waiting"}


def test_a_cluster_that_does_not_answer_is_no_verdict(dev: Dev) -> None:
    write_program(dev.clone.parent / "programs" / "kubectl", "echo 'no such host' >&2; exit 1")
    assert "no such host" in dev.error(dev.watch("--once"), "command-failed", 1)["message"]


def test_runs_of_what_changed_are_counted(dev: Dev) -> None:
    dev.tells(stock={1: runs(0, 1), 2: runs(3, 0)}, orders={2: runs(5, 0)})
    result = dev.watch("--once")
    assert result.exit_code == 0, result.stderr
    watched = result.document["watched"]
    assert watched["state"] == "watched"
    assert watched["runs"] == {"stock": {"completed": 3, "failed": 0, "running": 0}}


def test_no_run_is_told_as_that(dev: Dev) -> None:
    result = call_script(dev.clone, "promote", "watch", "dev", "--once", PATH=dev.path)
    assert (result.exit_code, "stock: no run has ended" in result.stdout) == (0, True)


def test_a_failure_is_told_and_nothing_else(dev: Dev) -> None:
    dev.tells(stock=FAILS)
    before = remote_refs(dev.clone)
    error = dev.error(dev.watch("--once"))
    assert TOLD in error["message"]
    assert "scripts/rollback.py dev -p stock --reason TEXT" in error["fix"]
    assert remote_refs(dev.clone) == before


def test_what_did_not_change_is_told_and_never_taken_back(dev: Dev) -> None:
    dev.policy(on_failure="rollback")
    dev.tells(orders=FAILS)
    before = remote_refs(dev.clone)
    result = call_script(dev.clone, "promote", "watch", "dev", "--once", "--yes", PATH=dev.path)
    assert result.exit_code == 0, result.stderr
    assert f"orders, which did not change: {TOLD}" in result.stdout
    assert "scripts/rollback.py dev --reason TEXT" in result.stdout
    assert remote_refs(dev.clone) == before


def test_a_database_that_is_away_is_no_verdict(dev: Dev) -> None:
    dev.tells("the database does not answer")
    assert "the database does not answer" in dev.error(dev.watch("--once"), "cannot-observe", 1)["message"]


# A rollback


@pytest.fixture
def taking_back(dev: Dev) -> Dev:
    """Dev, where stock fails, and what fails is taken back."""
    dev.policy(on_failure="rollback")
    dev.tells(stock=FAILS, orders={1: runs(9, 0), 2: runs(2, 0)})
    return dev


@pytest.mark.parametrize("once", [("--once",), ()])
def test_exactly_what_fails_is_taken_back(taking_back: Dev, once: tuple[str, ...]) -> None:
    change_of_orders = digests(taking_back.clone, "dev")["orders"]
    error = taking_back.error(taking_back.watch("--yes", *once))
    assert error["message"].endswith(f"stock: {TOLD}; taken back")
    assert "scripts/deploy.py dev" in error["fix"]
    now = record(taking_back.clone, "dev")
    assert (now["number"], now["action"], now["reason"]) == (3, "rollback", f"watched: stock: {TOLD}")
    assert digests(taking_back.clone, "dev")["stock"] == digests(taking_back.clone, "staging")["stock"]
    assert digests(taking_back.clone, "dev")["orders"] == change_of_orders
    assert [(hold["pipeline"], hold["release"]) for hold in now["holds"]] == [("stock", 2)]
    assert refusal_codes(taking_back.clone, "main", "dev") == ["on-hold"]


def test_a_plan_only_shows_the_rollback(taking_back: Dev) -> None:
    before = remote_refs(taking_back.clone)
    result = taking_back.watch("--plan")
    taking_back.error(result)
    assert result.document["plan"]["action"] == "rollback"
    assert remote_refs(taking_back.clone) == before


def test_a_release_that_came_meanwhile_is_left_alone(taking_back: Dev) -> None:
    change_dev(taking_back.clone, LOAD_STOCK, "mended = 1\n")
    remote, mended = remote_of(taking_back.clone), head(taking_back.clone, "env/dev")
    git(remote, "update-ref", "refs/heads/env/dev", f"{mended}^")
    taking_back.then(f'git --git-dir="{remote}" update-ref refs/heads/env/dev {mended}')
    error = taking_back.error(taking_back.watch("--yes", "--once"), "stale-plan", 5)
    assert "dev got release 3 meanwhile" in error["message"]
    assert head(taking_back.clone, "env/dev") == mended


def failed_entries(dev: Dev) -> list[tuple[str, int, str]]:
    (column,) = call_script(dev.clone, "status", "dev", "--json").document["status"]["environments"]
    return [(entry["pipeline"], entry["release"], entry["reason"]) for entry in column["failed"]]


def test_a_pipeline_without_an_earlier_version_is_held(taking_back: Dev) -> None:
    write_loading_pipeline(taking_back.clone, "planes")
    push(taking_back.clone)
    promote(taking_back.clone, "main", "dev")
    taking_back.installed(3)
    taking_back.tells(planes={3: runs(0, 2)})
    taking_back.error(taking_back.watch("--yes", "--once"))
    assert record(taking_back.clone, "dev")["number"] == 3
    assert failed_entries(taking_back) == [("planes", 3, TOLD)]


def test_a_version_that_a_rollback_brought_is_held_so_that_two_do_not_take_turns(taking_back: Dev) -> None:
    roll_back_dev(taking_back.clone, "-p", "stock")
    taking_back.installed(3)
    taking_back.tells(stock={1: runs(9, 0), 2: runs(2, 1), 3: runs(0, 2)})
    taking_back.error(taking_back.watch("--yes", "--once"))
    assert record(taking_back.clone, "dev")["number"] == 3
    assert failed_entries(taking_back) == [("stock", 3, TOLD)]


def test_what_cannot_be_taken_back_alone_is_held(taking_back: Dev) -> None:
    change_dev(taking_back.clone, f"{PROJECT}/transformers/clean.py", "shared = 1\n")
    taking_back.installed(3)
    taking_back.tells(orders={2: runs(9, 0), 3: runs(0, 2)})
    result = taking_back.watch("--yes", "--once")
    taking_back.error(result)
    assert "orders cannot be taken back: " in result.stderr
    assert failed_entries(taking_back) == [("orders", 3, TOLD)]


# Releases that follow each other sooner than a watch is long


@pytest.fixture
def next_release(taking_back: Dev) -> Dev:
    """Dev, whose release 3 changed orders while the newer stock of release 2 was watched."""
    change_dev(taking_back.clone, f"{PROJECT}/data_loaders/load_orders.py", "third = 1\n")
    taking_back.installed(3)
    return taking_back


def test_a_version_is_watched_beyond_the_next_release_and_taken_back_alone(next_release: Dev) -> None:
    orders = digests(next_release.clone, "dev")["orders"]
    next_release.tells(stock={1: runs(9, 0), 2: runs(1, 0, run=40), 3: runs(0, 1)}, orders={3: runs(1, 0)})
    error = next_release.error(next_release.watch("--yes", "--once"))
    assert "stock: 1 of 2 runs failed" in error["message"]
    assert error["message"].endswith("; taken back")
    assert digests(next_release.clone, "dev")["stock"] == digests(next_release.clone, "staging")["stock"]
    assert digests(next_release.clone, "dev")["orders"] == orders


def test_of_versions_of_two_releases_the_newest_goes_first(next_release: Dev) -> None:
    next_release.tells(stock=FAILS, orders={1: runs(9, 0), 3: runs(0, 2)})
    stock = digests(next_release.clone, "dev")["stock"]
    error = next_release.error(next_release.watch("--yes", "--once"))
    assert error["message"].endswith("; taken back: orders")
    assert digests(next_release.clone, "dev")["orders"] == digests(next_release.clone, "staging")["orders"]
    assert (digests(next_release.clone, "dev")["stock"], failed_entries(next_release)) == (stock, [])
    next_release.installed(4)
    next_release.error(next_release.watch("--yes", "--once"))
    assert digests(next_release.clone, "dev") == digests(next_release.clone, "staging")


def test_a_version_older_than_a_watch_is_told_and_never_taken_back(next_release: Dev) -> None:
    long_ago = now() - timedelta(hours=2)
    next_release.tells(stock={1: runs(9, 0), 2: runs(9, 0, long_ago, run=40), 3: runs(0, 2)})
    result = call_script(next_release.clone, "promote", "watch", "dev", "--once", "--yes", PATH=next_release.path)
    assert result.exit_code == 0, result.stderr
    assert f"stock, which did not change: {TOLD}" in result.stdout


# A hold


@pytest.fixture
def holding(dev: Dev) -> Dev:
    """Dev, where stock failed, and is on hold."""
    dev.policy(on_failure="hold")
    dev.tells(stock=FAILS)
    dev.error(dev.watch("--yes", "--once"))
    return dev


def test_what_fails_stays_and_goes_no_further(holding: Dev) -> None:
    assert record(holding.clone, "dev")["number"] == 2
    assert holding.error(holding.watch("--yes", "--once"))["message"].endswith(
        f"stock: {TOLD}; it goes no further"
    )
    error = refused(holding.clone, "promote", "dev", "staging", "--yes")
    assert (error["code"], error["exit_code"]) == ("failed-in-source", 4)
    assert f"(release 2: {TOLD})" in error["message"]
    promote(holding.clone, "dev", "staging", "--release-hold", "--reason", "the source was down")


def test_other_pipelines_go_on(holding: Dev) -> None:
    change_dev(holding.clone, f"{PROJECT}/data_loaders/load_orders.py", "newer = 1\n")
    promote(holding.clone, "dev", "staging", "-p", "orders")


def test_a_newer_version_is_not_on_hold(holding: Dev) -> None:
    change_dev(holding.clone, LOAD_STOCK, "mended = 1\n")
    promote(holding.clone, "dev", "staging")
    assert failed_entries(holding) == []


def test_the_hold_is_said_once_and_shown(holding: Dev) -> None:
    before = head(holding.clone, "evidence/dev")
    holding.error(holding.watch("--yes", "--once"))
    assert head(holding.clone, "evidence/dev") == before
    assert failed_entries(holding) == [("stock", 2, TOLD)]
    page = holding.clone / "status.html"
    shown = call_script(holding.clone, "status", "--html", str(page)).stdout
    assert f"goes no further: {TOLD}" in shown
    assert f"goes no further: {TOLD}" in page.read_text()


def test_a_rollback_ends_it(holding: Dev) -> None:
    roll_back_dev(holding.clone, "-p", "stock")
    assert failed_entries(holding) == []


# To the end


def test_the_watch_ends_in_time(dev: Dev) -> None:
    dev.policy(watch="0.001h")
    dev.tells(stock={2: runs(1, 0)})
    result = dev.watch()
    assert result.exit_code == 0, result.stderr
    assert result.document["watched"]["state"] == "over"
    assert "stock: run 41 completed" in result.stderr


def test_a_failure_during_the_watch_is_found_and_a_rollback_ends_it(taking_back: Dev) -> None:
    later = taking_back.folder / "later"
    (taking_back.folder / "status").rename(later)
    taking_back.tells()
    taking_back.then(f'cp "{later}" "{taking_back.folder}/status"')
    result = taking_back.watch("--yes")
    taking_back.error(result)
    assert "stock: run 41 failed in block load_stock" in result.stderr
    assert record(taking_back.clone, "dev")["number"] == 3


def test_a_failure_after_the_watch_counts_no_more(dev: Dev) -> None:
    dev.installed(2, now() - timedelta(hours=2))
    dev.tells(stock={2: runs(0, 2)})
    assert dev.watch().exit_code == 0


def test_a_later_release_in_the_cluster_ends_it(dev: Dev) -> None:
    dev.installed(3)
    result = dev.watch()
    assert result.exit_code == 0, result.stderr
    assert result.document["watched"]["state"] == "replaced"


def test_an_earlier_release_in_the_cluster_is_no_health(dev: Dev) -> None:
    older = dev.folder / "older"
    dev.installed(1)
    (dev.folder / "objects").rename(older)
    dev.installed(2)
    dev.then(f'cp "{older}" "{dev.folder}/objects"')
    assert "release 1 runs again" in dev.error(dev.watch(), "not-healthy")["message"]


def test_a_release_that_does_not_come_up_is_told(dev: Dev) -> None:
    dev.installed(1)
    dev.policy(watch="0.0005h")
    result = dev.watch()
    error = dev.error(result, "not-healthy")
    assert "it runs release 1, and the branch has 2" in error["message"]
    assert "scripts/deploy.py dev" in result.stderr


def test_a_scheduler_that_never_answers_is_no_verdict(dev: Dev) -> None:
    dev.tells("the database does not answer")
    dev.policy(watch="0.0005h")
    dev.error(dev.watch(), "cannot-observe", 1)


def test_a_promotion_is_watched_in_the_same_breath(dev: Dev) -> None:
    dev.policy(watch="0.001h")
    write(dev.clone, {LOAD_STOCK: "third = 1\n"})
    push(dev.clone)
    dev.installed(3)
    dev.tells(stock={3: runs(0, 2)})
    words = ("promote", "main", "dev", "--yes", "--watch", "--json")
    result = call_script(dev.clone, *words, PATH=dev.path)
    dev.error(result)
    assert result.document["release"]["number"] == 3
    assert result.document["watched"]["number"] == 3
