"""Protected branches: a release waits on a branch of its own, a host merges it, and `finalize` looks at it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from disturbed import killed_at_every_step, meanwhile, steps
from helpers import (
    PROJECT,
    call_script,
    environment,
    git,
    head,
    promote,
    push,
    record,
    refused,
    released_text,
    remote_of,
    sign,
    untouched,
    write,
    write_policy,
    write_program,
)
from unit.situations import situation

LOAD_ORDERS = f"{PROJECT}/data_loaders/load_orders.py"
LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"
WAYS = ("fast-forward", "rebase", "merge", "squash")
HOST = {"GIT_COMMITTER_NAME": "Host", "GIT_COMMITTER_EMAIL": "noreply@host.example.com"}


@situation("two_changes")
def protected(clone: Path) -> None:
    """Dev has a release; main has newer versions of orders and stock. Nobody may push to `env/*`."""
    protect(clone)


@situation("protected")
def proposed(clone: Path) -> None:
    """A pull request with all of main waits for its merge."""
    propose(clone)


def protect(clone: Path, pattern: str = "refs/heads/env/*") -> None:
    refuse = f'case "$1" in {pattern}) echo "protected branch hook declined" >&2; exit 1;; esac'
    write_program(remote_of(clone) / "hooks/update", refuse)


def unprotect(clone: Path) -> None:
    (remote_of(clone) / "hooks/update").unlink()


def propose(clone: Path, *arguments: str) -> dict[str, Any]:
    """Promote from main to dev with `--pr`; return what to open a pull request with."""
    result = call_script(clone, "promote", "main", "dev", "--pr", "--yes", "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    request: dict[str, Any] = result.document["pull_request"]
    return request


def merge(clone: Path, way: str, number: int = 2, edit: str = "", date: str = "", name: str = "dev") -> None:
    """Merge the release `number` as hosts do, in a clone of theirs; `edit` is a file that is changed by hand."""
    host, request = clone.parent / "host", f"origin/release/{name}/{number}"
    if not host.exists():
        git(clone.parent, "clone", "--quiet", str(remote_of(clone)), host.name)
    git(host, "fetch", "--quiet", "--prune")
    git(host, "checkout", "--quiet", "--detach", f"origin/env/{name}")
    dates = {"GIT_COMMITTER_DATE": date} if date else {}

    def by_host(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=host, env=environment(**HOST, **dates), check=True)

    match way:
        case "fast-forward":
            by_host("merge", "--quiet", "--ff-only", request)
        case "rebase":
            by_host("cherry-pick", "--allow-empty", "--keep-redundant-commits", f"HEAD..{request}")
        case "merge":
            by_host("merge", "--quiet", "--no-ff", "-m", "Merge pull request #7", "-X", "theirs", request)
        case "squash":
            by_host("merge", "--quiet", "--squash", request)
            by_host("commit", "--quiet", "-m", "Newer orders (#7)")
    if edit:
        write(host, {edit: f"{(host / edit).read_text()}# by hand\n"})
        by_host("commit", "--quiet", "--all", "--amend", "--no-edit")
    git(remote_of(clone), "fetch", "--quiet", str(host), f"+HEAD:refs/heads/env/{name}")


def finalize(clone: Path, name: str = "dev") -> dict[str, Any]:
    """Finalize, as a step towards what is tested: it must succeed."""
    result = call_script(clone, "promote", "finalize", name, "--json")
    assert result.exit_code == 0, result.stderr
    return result.document


def branches(clone: Path) -> list[str]:
    """Return the branches of pull requests."""
    return git(remote_of(clone), "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/release").splitlines()


def verification(folder: Path) -> set[str]:
    """Return the codes of what `verify.py dev` finds."""
    document = call_script(folder, "verify", "dev", "--json").document
    error = document.get("error", {"findings": []})
    return {finding["code"] for finding in error["findings"]}


def codes(error: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in error["findings"]}


# Propose


def test_a_refused_push_tells_of_pull_requests(protected: Path) -> None:
    error = refused(protected, "promote", "main", "dev", "--yes")
    assert (error["code"], error["exit_code"]) == ("push-refused", 1)
    assert "protected branch hook declined" in error["message"]
    assert "--pr" in error["fix"]


def test_a_pull_request_is_the_release_as_one_commit_on_the_one_before(protected: Path) -> None:
    before, old = untouched(protected), head(protected, "env/dev")
    request = propose(protected)
    assert untouched(protected) == before
    assert head(protected, "env/dev") == old
    assert branches(protected) == ["release/dev/2"] == [request["branch"]]
    assert head(protected, "release/dev/2") == request["commit"]
    assert git(remote_of(protected), "rev-parse", "release/dev/2^") == old
    assert "number: 2" in git(remote_of(protected), "show", "release/dev/2:release.yaml")
    assert (request["base"], request["replaces"]) == ("env/dev", None)


def test_a_pull_request_has_a_title_and_a_body(protected: Path) -> None:
    request = propose(protected, "--reason", "round the totals @everybody")
    assert request["title"] == git(remote_of(protected), "log", "-1", "--format=%s", "release/dev/2")
    plan = call_script(protected, "promote", "main", "dev", "--plan", "--markdown").stdout
    assert request["body"].startswith(plan)
    for said in (
        "```text\nround the totals @everybody\n```",
        "`scripts/promote.py finalize dev`",
        "`Ada Example <ada",
    ):
        assert said in request["body"]


def test_the_text_ends_with_the_title_and_the_body(protected: Path) -> None:
    result = call_script(protected, "promote", "main", "dev", "--pr", "--yes")
    assert "open a pull request to env/dev" in result.stdout
    assert "After the merge: scripts/promote.py finalize dev" in result.stdout
    _, title, body = result.stdout.partition("\nRelease 2 of dev: orders, stock from main (")
    assert title
    assert "\n\n## Promotion plan\n" in body


def test_gates_refuse_a_pull_request_as_they_refuse_a_release(protected: Path) -> None:
    write_policy(protected, "dev", holds=[{"reason": "audit"}])
    push(protected)
    assert refused(protected, "promote", "main", "dev", "--pr", "--yes")["code"] == "standing-hold"


def test_a_second_pull_request_of_a_number_replaces_the_first_and_no_other(protected: Path) -> None:
    git(remote_of(protected), "branch", "release/staging/2", "main")
    git(remote_of(protected), "branch", "release/dev/20", "main")
    first = propose(protected, "-p", "orders")
    second = propose(protected, "-p", "stock")
    assert second["replaces"] == first["commit"]
    assert head(protected, "release/dev/2") == second["commit"]
    for other in ("release/staging/2", "release/dev/20"):
        assert head(protected, other) == head(protected, "main")


@pytest.mark.parametrize("before", ["commit-tree", "push"])
def test_somebody_elses_pull_request_meanwhile_is_not_replaced(protected: Path, before: str) -> None:
    variables = meanwhile(protected, "promote", "main", "dev", "--pr", "-p", "stock", before=before)
    words = ("promote", "main", "dev", "--pr", "-p", "orders", "--yes", "--json")
    result = call_script(protected, *words, **variables)
    assert (result.exit_code, result.document["error"]["code"]) == (5, "lost-race")
    assert "release/dev/2 moved" in result.document["error"]["message"]
    assert "Release 2 of dev: stock" in git(remote_of(protected), "log", "-1", "--format=%s", "release/dev/2")


def test_a_release_while_gates_run_gives_the_pull_request_the_next_number(two_changes: Path) -> None:
    variables = meanwhile(two_changes, "promote", "main", "dev", "-p", "stock", before="commit-tree")
    words = ("promote", "main", "dev", "--pr", "-p", "orders", "--yes", "--json")
    result = call_script(two_changes, *words, **variables)
    assert result.exit_code == 0, result.stderr
    assert result.document["pull_request"]["branch"] == "release/dev/3"
    assert "`dev release 2 (" in result.document["pull_request"]["body"]
    assert branches(two_changes) == ["release/dev/3"]


def test_a_kill_at_every_step_leaves_a_whole_pull_request_or_none(protected: Path) -> None:
    before, old = untouched(protected), head(protected, "env/dev")
    for _ in killed_at_every_step(protected, "promote", "main", "dev", "--pr", "--yes"):
        assert untouched(protected) == before
        assert head(protected, "env/dev") == old
        if branches(protected):
            git(remote_of(protected), "show", "release/dev/2:release.yaml")
    merge(protected, "merge")
    finalize(protected)


def test_a_remote_that_takes_nothing(protected: Path) -> None:
    write_program(remote_of(protected) / "hooks/pre-receive", "echo read-only >&2; exit 1")
    error = refused(protected, "promote", "main", "dev", "--pr", "--yes")
    assert (error["code"], error["exit_code"]) == ("push-refused", 1)
    assert error["fix"] == "check that you may write release/dev/2 on origin"


def test_a_rollback_can_be_a_pull_request(protected: Path) -> None:
    propose(protected)
    merge(protected, "merge")
    finalize(protected)
    result = call_script(protected, "rollback", "dev", "--reason", "totals", "--pr", "--yes", "--json")
    assert result.document["pull_request"]["title"].startswith(
        "Roll back 3 of dev: orders, stock from dev release 1 ("
    )
    merge(protected, "squash", 3)
    finalize(protected)
    assert record(protected, "dev")["action"] == "rollback"
    assert verification(protected) == set()


def test_a_kept_plan_can_become_a_pull_request(protected: Path) -> None:
    call_script(protected, "promote", "main", "dev", "--plan", "-o", "plan.json")
    assert call_script(protected, "promote", "apply", "plan.json", "--pr").exit_code == 0
    merge(protected, "squash")
    finalize(protected)
    assert "already released" in call_script(protected, "promote", "apply", "plan.json", "--pr").stdout


def test_the_first_release_can_be_a_pull_request(project: Path) -> None:
    protect(project)
    request = propose(project)
    assert "`env/dev` does not exist yet: create it at the head of this branch." in request["body"]
    assert refused(project, "promote", "finalize", "dev")["code"] == "not-merged"
    git(remote_of(project), "branch", "env/dev", "release/dev/1")
    assert finalize(project)["release"]["number"] == 1


def test_nothing_but_pull_requests_reads_their_branches(proposed: Path) -> None:
    options = ("--quiet", "--no-local", "--single-branch", "--branch=main")
    git(proposed.parent, "clone", *options, "remote.git", "other clone")
    other, waiting = proposed.parent / "other clone", head(proposed, "release/dev/2")
    for words in (("promote", "main", "dev", "--plan"), ("status",), ("verify", "dev")):
        call_script(other, *words)
    objects = git(other, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").splitlines()
    assert head(proposed, "env/dev") in objects
    assert waiting not in objects
    assert propose(other)["replaces"] == waiting


# Merge


@pytest.mark.parametrize("way", WAYS)
def test_a_merge_of_the_release_is_the_release(proposed: Path, way: str) -> None:
    merge(proposed, way)
    document = finalize(proposed)
    assert document["release"]["number"] == 2
    assert document["release"]["commit"] == head(proposed, "env/dev")
    assert branches(proposed) == []
    assert verification(proposed) == set()


@pytest.mark.parametrize("way", WAYS)
def test_what_comes_after_a_merge_stands_on_it(proposed: Path, way: str) -> None:
    merge(proposed, way)
    finalize(proposed)
    unprotect(proposed)
    status = call_script(proposed, "status", "dev", "--json").document["status"]["environments"][0]
    assert [release["number"] for release in status["releases"]] == [2, 1]
    promote(proposed, "dev", "staging")
    assert record(proposed, "staging")["source"]["commit"] == head(proposed, "env/dev")
    write(proposed, {LOAD_STOCK: "newest = 1\n"})
    push(proposed)
    promote(proposed, "main", "dev")
    result = call_script(proposed, "rollback", "dev", "--to", "1", "--reason", "totals", "--yes")
    assert result.exit_code == 0, result.stderr
    assert record(proposed, "dev")["number"] == 4
    assert verification(proposed) == set()


@pytest.mark.parametrize("way", WAYS)
def test_a_bare_clone_of_one_branch_verifies_merges_without_a_network(proposed: Path, way: str) -> None:
    merge(proposed, way)
    finalize(proposed)
    options = ("--quiet", "--bare", "--single-branch", "--branch=env/dev")
    git(proposed.parent, "clone", *options, "remote.git", "audit.git")
    remote_of(proposed).rename(proposed.parent / "gone.git")
    result = call_script(proposed.parent / "audit.git", "verify", "dev")
    assert (result.exit_code, result.stdout) == (0, "OK: 2 releases of dev\n"), result.stderr


def test_pull_requests_that_are_merged_one_after_the_other_are_finalized_together(protected: Path) -> None:
    for number, name in ((2, "orders"), (3, "stock")):
        propose(protected, "-p", name)
        merge(protected, "merge", number)
    assert finalize(protected)["finalized"] == [2, 3]
    assert branches(protected) == []


def test_a_digest_soaks_from_the_merge_on(proposed: Path) -> None:
    merge(proposed, "merge", date="2050-01-01T00:00:00Z")
    status = call_script(proposed, "status", "dev", "--json").document["status"]["environments"][0]
    assert status["pipelines"]["orders"]["since"] == "2050-01-01T00:00:00+00:00"
    write_policy(proposed, "staging", soak=1)
    push(proposed)
    error = refused(proposed, "promote", "dev", "staging", "--yes")
    assert error["code"] == "soaking"
    assert "until 2050-01-01 01:00 UTC" in error["message"]


# Finalize


def test_what_is_not_merged_is_no_verdict(proposed: Path) -> None:
    error = refused(proposed, "promote", "finalize", "dev")
    assert (error["code"], error["exit_code"]) == ("not-merged", 6)


@pytest.mark.parametrize("edit", [LOAD_ORDERS, "release.yaml", "environments/dev/policy.yaml"])
@pytest.mark.parametrize("way", WAYS)
def test_a_merge_that_was_edited_is_found(proposed: Path, way: str, edit: str) -> None:
    merge(proposed, way, edit=edit)
    error = refused(proposed, "promote", "finalize", "dev")
    assert (error["code"], error["exit_code"]) == ("not-as-released", 3)
    assert codes(error) & {"digest-mismatch", "record-changed"}
    assert codes(error) == verification(proposed)


@pytest.mark.parametrize("way", WAYS)
def test_a_pull_request_that_was_edited_is_found(proposed: Path, way: str) -> None:
    other = proposed.parent / "other"
    git(proposed.parent, "clone", "--quiet", "--branch=release/dev/2", "remote.git", other.name)
    write(other, {LOAD_ORDERS: "suggested = 1\n"})
    git(other, "commit", "--quiet", "--all", "-m", "Apply suggestion")
    git(other, "push", "--quiet", "origin", "HEAD")
    assert codes(refused(proposed, "promote", "finalize", "dev")) == {"not-one-commit"}
    merge(proposed, way)
    error = refused(proposed, "promote", "finalize", "dev")
    assert (error["code"], error["exit_code"]) == ("not-as-released", 3)
    assert codes(error) & verification(proposed) & {"digest-mismatch", "chain-broken"}


def test_a_merge_of_what_is_no_release_is_found(proposed: Path) -> None:
    """The files are those of the release; what came with them is not."""
    remote = remote_of(proposed)
    tree, old, main = "release/dev/2^{tree}", head(proposed, "env/dev"), head(proposed, "main")
    forged = git(proposed.parent / "remote.git", "commit-tree", tree, "-p", old, "-p", main, "-m", "x")
    git(remote, "update-ref", "refs/heads/env/dev", forged)
    assert codes(refused(proposed, "promote", "finalize", "dev")) == {"chain-broken"} == verification(proposed)


def test_a_commit_by_hand_on_top_of_a_merge_is_found_until_a_release_takes_its_place(proposed: Path) -> None:
    merge(proposed, "merge")
    host = proposed.parent / "host"
    git(host, "commit", "--quiet", "--allow-empty", "-m", "By hand")
    git(remote_of(proposed), "fetch", "--quiet", str(host), "+HEAD:refs/heads/env/dev")
    assert "chain-broken" in codes(refused(proposed, "promote", "finalize", "dev"))
    assert call_script(proposed, "rollback", "dev", "--reason", "by hand", "--pr", "--yes").exit_code == 0
    merge(proposed, "merge", 4)
    assert finalize(proposed)["finalized"] == [2, 4]


def test_a_release_that_took_the_number_overtakes_a_pull_request(proposed: Path) -> None:
    unprotect(proposed)
    promote(proposed, "main", "dev", "-p", "stock")
    error = refused(proposed, "promote", "finalize", "dev")
    assert (error["code"], error["exit_code"]) == ("overtaken", 5)
    (finding,) = error["findings"]
    assert (finding["path"], finding["code"]) == ("release/dev/2", "number-taken")
    assert propose(proposed)["branch"] == "release/dev/3"
    git(proposed, *finding["fix"].partition(";")[0].split()[1:])
    merge(proposed, "merge", 3)
    finalize(proposed)
    assert verification(proposed) == set()


def test_a_release_takes_the_place_of_a_merge_that_was_edited(proposed: Path) -> None:
    merge(proposed, "squash", edit=LOAD_ORDERS)
    remove = refused(proposed, "promote", "finalize", "dev")["fix"].rpartition(": ")[2]
    assert call_script(proposed, "rollback", "dev", "--reason", "edited", "--pr", "--yes").exit_code == 0
    merge(proposed, "squash", 3)
    git(proposed, *remove.split()[1:])
    finalize(proposed)
    assert "by hand" not in released_text(proposed, "dev", LOAD_ORDERS)


def test_an_overtaken_pull_request_that_is_merged_all_the_same_is_no_release(proposed: Path) -> None:
    unprotect(proposed)
    promote(proposed, "main", "dev", "-p", "stock")
    merge(proposed, "merge")
    assert "chain-broken" in codes(refused(proposed, "promote", "finalize", "dev"))
    assert "chain-broken" in verification(proposed)


def test_a_branch_that_the_host_has_removed_is_nothing_to_do(proposed: Path) -> None:
    merge(proposed, "squash")
    git(remote_of(proposed), "branch", "--quiet", "-D", "release/dev/2")
    result = call_script(proposed, "promote", "finalize", "dev")
    assert (result.exit_code, result.stdout[:20]) == (0, "Nothing to finalize:")


def test_an_edited_merge_is_found_though_the_host_has_removed_its_branch(proposed: Path) -> None:
    merge(proposed, "squash", edit=LOAD_ORDERS)
    git(remote_of(proposed), "branch", "--quiet", "-D", "release/dev/2")
    assert refused(proposed, "promote", "finalize", "dev")["code"] == "not-as-released"


def test_a_branch_that_may_not_be_removed_is_told_after_what_was_released(proposed: Path) -> None:
    merge(proposed, "merge")
    protect(proposed, "refs/heads/*")
    result = call_script(proposed, "promote", "finalize", "dev", "--json")
    assert (result.exit_code, result.document["error"]["code"]) == (1, "push-refused")
    assert result.document["release"]["number"] == 2
    unprotect(proposed)
    finalize(proposed)


def test_a_branch_that_moves_meanwhile_is_not_removed(proposed: Path) -> None:
    merge(proposed, "merge")
    main = head(proposed, "main")
    move = f'GIT_DIR="{remote_of(proposed)}" git update-ref refs/heads/release/dev/2 {main}'
    kept = set()
    for step in steps(proposed, move):
        git(
            remote_of(proposed),
            "update-ref",
            "refs/heads/release/dev/2",
            git(remote_of(proposed), "rev-parse", "env/dev^2"),
        )
        result = call_script(proposed, "promote", "finalize", "dev", **step.variables())
        assert (result.exit_code != 0) == bool(branches(proposed))
        kept.add(bool(branches(proposed)))
        assert not step.reached or branches(proposed)
    assert kept == {True, False}


def test_a_kill_at_every_step_of_finalize_loses_nothing(proposed: Path) -> None:
    merge(proposed, "merge")
    merged = head(proposed, "env/dev")
    for _ in killed_at_every_step(proposed, "promote", "finalize", "dev"):
        assert head(proposed, "env/dev") == merged
    finalize(proposed)
    assert branches(proposed) == []


def test_an_unknown_environment_has_no_pull_requests(proposed: Path) -> None:
    assert refused(proposed, "promote", "finalize", "tset")["code"] == "unknown-environment"


# Signatures


@pytest.fixture
def signed_request(protected: Path) -> Path:
    """Dev asks for signed releases from now on, and a pull request with one waits."""
    sign(protected)
    write_policy(protected, "dev", signed=True)
    push(protected)
    assert "loses the signature" in propose(protected)["body"]
    git(protected, "verify-commit", head(protected, "release/dev/2"))
    return protected


@pytest.mark.parametrize("way", ["fast-forward", "merge"])
def test_a_merge_that_keeps_the_signed_commit_is_signed(signed_request: Path, way: str) -> None:
    merge(signed_request, way)
    finalize(signed_request)
    assert verification(signed_request) == set()


@pytest.mark.parametrize("way", ["rebase", "squash"])
def test_a_merge_that_makes_another_commit_is_signed_by_nobody(signed_request: Path, way: str) -> None:
    merge(signed_request, way)
    error = refused(signed_request, "promote", "finalize", "dev")
    assert codes(error) == {"unsigned-release"} == verification(signed_request)
