"""Other people, dying connections and `kill -9`: the remote holds the old release or the new one, never less."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from disturbed import another_clone, by_somebody_else, meanwhile
from helpers import (
    PROJECT,
    Program,
    call_script,
    command,
    environment,
    git,
    head,
    promote,
    push,
    released_text,
    remote_of,
    remote_refs,
    run_script,
    untouched,
    write,
    write_program,
)
from mage_pod.waiting import until

LOAD_ORDERS = f"{PROJECT}/data_loaders/load_orders.py"
LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"
CLEAN = f"{PROJECT}/transformers/clean.py"


def start(clone: Path, *arguments: str) -> Program:
    """Start a promotion."""
    return Program(*command("promote", *arguments, "--yes"), environment=environment(), cwd=clone)


def assert_sound(clone: Path, releases: int) -> None:
    """Every release is there, in one line, and verifies."""
    assert git(remote_of(clone), "rev-list", "--count", "env/dev") == str(releases)
    assert git(remote_of(clone), "rev-list", "--min-parents=2", "env/dev") == ""
    assert call_script(clone, "verify", "dev").exit_code == 0


# Other people


def test_a_release_of_another_pipeline_meanwhile_does_not_stop_a_promotion(two_changes: Path) -> None:
    variables = meanwhile(two_changes, "promote", "main", "dev", "-p", "stock")
    result = run_script(two_changes, "promote", "main", "dev", "-p", "orders", "--yes", **variables)
    assert result.exit_code == 0, result.stderr
    for path in (LOAD_ORDERS, LOAD_STOCK):
        assert released_text(two_changes, "dev", path) == "newer = 1"
    assert_sound(two_changes, releases=3)


def test_a_release_while_git_pushes_does_not_stop_a_promotion(two_changes: Path) -> None:
    somebody = by_somebody_else(two_changes, "promote", "main", "dev", "-p", "stock")
    write_program(two_changes / ".git/hooks/pre-push", somebody)
    result = run_script(two_changes, "promote", "main", "dev", "-p", "orders", "--yes")
    assert result.exit_code == 0, result.stderr
    assert_sound(two_changes, releases=3)


def test_a_kept_plan_that_is_overtaken_is_stale(two_changes: Path) -> None:
    """What would do for a promotion is not what somebody read."""
    plan = ("promote", "main", "dev", "-p", "orders", "--plan", "-o", "plan.json")
    assert call_script(two_changes, *plan).exit_code == 2
    variables = meanwhile(two_changes, "promote", "main", "dev", "-p", "stock")
    result = run_script(two_changes, "promote", "apply", "plan.json", "--json", **variables)
    assert (result.exit_code, result.document["error"]["code"]) == (5, "stale-plan")
    assert_sound(two_changes, releases=2)


def test_a_release_of_the_same_pipeline_meanwhile_makes_the_plan_stale(two_changes: Path) -> None:
    variables = meanwhile(two_changes, "promote", "main", "dev")
    result = run_script(two_changes, "promote", "main", "dev", "-p", "orders", "--yes", "--json", **variables)
    assert (result.exit_code, result.document["error"]["code"]) == (5, "stale-plan")
    assert_sound(two_changes, releases=2)


def test_a_release_meanwhile_that_shares_a_file_makes_the_plan_stale(promoted_to_dev: Path) -> None:
    """On that release the same promotion would change a pipeline that nobody selected."""
    for text in ("import mage_project.data_loaders.load_orders\n", "alone = 1\n"):
        write(promoted_to_dev, {LOAD_STOCK: text})
        push(promoted_to_dev)
        promote(promoted_to_dev, "main", "dev")
    write(promoted_to_dev, {LOAD_ORDERS: "newer = 1\n"})
    push(promoted_to_dev)
    variables = meanwhile(promoted_to_dev, "rollback", "dev", "-p", "stock", "--to", "2", "--reason", "x")
    result = run_script(promoted_to_dev, "promote", "main", "dev", "-p", "orders", "--yes", "--json", **variables)
    assert (result.exit_code, result.document["error"]["code"]) == (5, "stale-plan")
    assert_sound(promoted_to_dev, releases=4)


def test_main_that_moves_meanwhile_makes_the_plan_stale(two_changes: Path) -> None:
    """What was planned is what is released, or nothing is."""
    variables = meanwhile(two_changes, "promote", "main", "dev", "-p", "stock")
    edit = f"echo 'newest = 1' > {LOAD_ORDERS}; git commit -qam x; git push -q origin HEAD:main"
    hook = two_changes.parent / "programs/git"
    hook.write_text(hook.read_text().replace(" && GIT_COMMITTER_NAME", f" && ({edit}) && GIT_COMMITTER_NAME"))
    result = run_script(two_changes, "promote", "main", "dev", "-p", "orders", "--yes", "--json", **variables)
    assert (result.exit_code, result.document["error"]["code"]) == (5, "stale-plan")
    assert_sound(two_changes, releases=2)


def test_the_first_release_of_an_environment_can_lose_a_race_too(project: Path) -> None:
    variables = meanwhile(project, "promote", "main", "dev")
    result = run_script(project, "promote", "main", "dev", "--yes", "--json", **variables)
    assert (result.exit_code, result.document["error"]["code"]) == (5, "stale-plan")
    assert_sound(project, releases=1)


@pytest.mark.parametrize("where", ["clones of their own", "one clone"])
def test_promotions_at_once_leave_one_line_of_releases(two_changes: Path, where: str) -> None:
    write(two_changes, {f"{PROJECT}/data_loaders/load_returns.py": "newer = 1\n"})
    push(two_changes)
    names = ("orders", "stock", "returns")
    clones = {name: another_clone(two_changes, name) if where != "one clone" else two_changes for name in names}
    started = {name: start(clones[name], "main", "dev", "-p", name) for name in names}
    codes = {name: process.wait(timeout=60) for name, process in started.items()}
    told = "\n".join(process.communicate()[1] for process in started.values())
    assert set(codes.values()) <= {0, 5}, told
    assert 0 in codes.values(), told
    for name, code in codes.items():
        if code:
            promote(clones[name], "main", "dev", "-p", name)
    assert_sound(two_changes, releases=4)


# A remote that says no, and connections that break


def test_a_remote_that_refuses_the_push(two_changes: Path) -> None:
    write_program(remote_of(two_changes) / "hooks/pre-receive", "echo 'env branches are frozen' >&2; exit 1")
    before = untouched(two_changes), remote_refs(two_changes)
    result = run_script(two_changes, "promote", "main", "dev", "--yes", "--json")
    assert (result.exit_code, result.document["error"]["code"]) == (1, "push-refused")
    assert "env branches are frozen" in result.document["error"]["message"]
    assert (untouched(two_changes), remote_refs(two_changes)) == before


def test_a_connection_that_breaks_after_the_push_went_through(two_changes: Path) -> None:
    write_program(remote_of(two_changes) / "hooks/post-receive", "kill -9 $PPID")
    result = run_script(two_changes, "promote", "main", "dev", "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    assert result.document["release"]["commit"] == head(two_changes, "env/dev")


def test_a_connection_that_breaks_before_somebody_elses_release(two_changes: Path) -> None:
    """Our release went through although git said no, and another one stands on it already."""
    script = by_somebody_else(two_changes, "promote", "main", "dev", "-p", "stock")
    write_program(remote_of(two_changes) / "hooks/post-receive", f"parent=$PPID{script}\nkill -9 $parent")
    result = run_script(two_changes, "promote", "main", "dev", "-p", "orders", "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    assert result.document["release"]["number"] == 2
    assert_sound(two_changes, releases=3)


def test_a_remote_that_is_gone_after_the_push_leaves_the_question_open(two_changes: Path) -> None:
    remote = remote_of(two_changes)
    write_program(remote / "hooks/post-receive", f'mv "{remote}" "{remote}.away"; kill -9 $PPID')
    result = run_script(two_changes, "promote", "main", "dev", "--yes", "--json")
    assert (result.exit_code, result.document["error"]["code"]) == (1, "push-unknown")
    assert "status.py dev" in result.document["error"]["fix"]


# Kills


@pytest.fixture
def held_at_the_remote(two_changes: Path) -> Path:
    """The remote's hook waits for the file `go` when a push has arrived; it says so by the file `arrived`."""
    folder = two_changes.parent
    wait = f'touch "{folder}/arrived"\nwhile [ ! -e "{folder}/go" ]; do sleep 0.02; done'
    write_program(remote_of(two_changes) / "hooks/pre-receive", wait)
    return two_changes


@pytest.mark.parametrize("whole_group", [True, False])
def test_a_kill_while_the_remote_decides(held_at_the_remote: Path, whole_group: bool) -> None:
    clone, folder = held_at_the_remote, held_at_the_remote.parent
    before, old = untouched(clone), head(clone, "env/dev")
    process = start(clone, "main", "dev")
    until((folder / "arrived").exists, "the push arrived")
    if whole_group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()
    assert head(clone, "env/dev") == old
    (folder / "go").touch()
    assert untouched(clone) == before
    assert run_script(clone, "promote", "main", "dev", "--yes").exit_code in (0, 5)
    promote(clone, "main", "dev")
    assert_sound(clone, releases=2)


def test_what_a_killed_git_leaves_locked_does_not_stop_the_next_run(two_changes: Path) -> None:
    other = another_clone(two_changes)
    write(other, {LOAD_ORDERS: "newest = 1\n"})
    push(other)
    promote(other, "main", "dev", "-p", "stock")
    for ref in ("refs/remotes/origin/env/dev", "refs/remotes/origin/main", "packed-refs", "index", "HEAD"):
        (two_changes / ".git" / f"{ref}.lock").touch()
    result = run_script(two_changes, "promote", "main", "dev", "--yes")
    assert result.exit_code == 0, result.stderr


def test_ctrl_c_is_one_document_and_leaves_the_old_release(held_at_the_remote: Path) -> None:
    clone, folder = held_at_the_remote, held_at_the_remote.parent
    old = head(clone, "env/dev")
    process = start(clone, "main", "dev", "--json")
    until((folder / "arrived").exists, "the push arrived")
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert '"code": "interrupted"' in stdout
    assert head(clone, "env/dev") == old
