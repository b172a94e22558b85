"""A release goes where `main` comes from, and a push that somebody stops says who did."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import (
    PROJECT,
    call_script,
    change_dev,
    git,
    head,
    promote,
    refused,
    remote_of,
    remote_refs,
    write_program,
)

HOOK = "echo 'only on Tuesdays' >&2; exit 1"


@pytest.fixture
def fork(project: Path) -> Path:
    """A second remote of the clone, which comes first by name; nothing says yet where main comes from."""
    path = project.parent / "fork.git"
    git(project.parent, "clone", "--quiet", "--bare", str(remote_of(project)), str(path))
    git(project, "remote", "add", "aaa", str(path))
    return path


def goes_to(clone: Path) -> str:
    """Release to dev; return the name of the remote that the plan told."""
    plan = call_script(clone, "promote", "main", "dev", "--plan", "--json").document["plan"]
    assert plan["destination"]["branch"] == "env/dev"
    promote(clone, "main", "dev")
    remote = plan["destination"]["remote"]
    assert isinstance(remote, str)
    return remote


def environments_of(repository: Path) -> str:
    return git(repository, "for-each-ref", "--format=%(refname:short)", "refs/heads/env")


def test_to_the_remote_that_main_tracks(project: Path, fork: Path) -> None:
    git(project, "branch", "--quiet", "--set-upstream-to=origin/main", "main")
    assert goes_to(project) == "origin"
    assert (environments_of(remote_of(project)), environments_of(fork)) == ("env/dev", "")


def test_not_to_the_fork_that_people_push_their_own_branches_to(project: Path, fork: Path) -> None:
    git(project, "branch", "--quiet", "--set-upstream-to=origin/main", "main")
    git(project, "config", "remote.pushDefault", "aaa")
    git(project, "config", "branch.main.pushRemote", "aaa")
    assert goes_to(project) == "origin"
    assert (environments_of(remote_of(project)), environments_of(fork)) == ("env/dev", "")


def test_to_the_default_of_pushes_if_main_tracks_nothing(project: Path, fork: Path) -> None:
    git(project, "config", "remote.pushDefault", "aaa")
    assert goes_to(project) == "aaa"
    assert (environments_of(remote_of(project)), environments_of(fork)) == ("", "env/dev")


def test_a_branch_of_this_clone_that_main_tracks_is_no_remote(project: Path) -> None:
    git(project, "branch", "other")
    git(project, "branch", "--quiet", "--set-upstream-to=other", "main")
    assert git(project, "config", "branch.main.remote") == "."
    assert goes_to(project) == "origin"


def test_nothing_says_where_main_comes_from(project: Path, fork: Path) -> None:
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["exit_code"], error["code"]) == (1, "remote-unclear")
    assert "several remotes, aaa, origin," in error["message"]
    assert error["fix"].startswith("git config branch.main.remote NAME")
    git(project, "config", "branch.main.remote", "origin")
    assert goes_to(project) == "origin"
    assert environments_of(fork) == ""


@pytest.mark.parametrize("name", ["branch.main.remote", "remote.pushDefault"])
def test_a_setting_that_names_no_remote(project: Path, name: str) -> None:
    git(project, "config", name, "https://ada:hunter2@git.example.com/mage.git")
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["code"], "hunter2" in str(error)) == ("remote-unclear", False)
    assert f"{name.lower()} is https://…@git.example.com/mage.git" in error["message"]


def test_settings_of_a_remote_without_an_address_are_no_remote(project: Path) -> None:
    git(project, "config", "remote.aaa.prune", "true")
    assert goes_to(project) == "origin"


@pytest.mark.parametrize("form", ["text", "--markdown"])
def test_the_plan_for_people_names_both(project: Path, form: str) -> None:
    git(project, "remote", "rename", "origin", "team")
    options = () if form == "text" else (form,)
    shown = call_script(project, "promote", "main", "dev", "--plan", *options).stdout
    assert "env/dev on team" in shown


def test_a_plan_of_a_rollback_names_both(promoted_to_dev: Path) -> None:
    change_dev(promoted_to_dev, f"{PROJECT}/data_loaders/load_stock.py", "newer = 1\n")
    shown = call_script(promoted_to_dev, "rollback", "dev", "--plan", "--reason", "wrong totals")
    assert "Goes to        env/dev on origin" in shown.stdout, shown.stderr


def test_a_kept_plan_may_be_applied_where_the_remote_has_another_name(project: Path) -> None:
    plan = project.parent / "plan.json"
    assert call_script(project, "promote", "main", "dev", "--plan", "-o", str(plan)).exit_code == 2
    git(project, "remote", "rename", "origin", "team")
    assert call_script(project, "promote", "apply", str(plan)).exit_code == 0
    assert environments_of(remote_of(project)) == "env/dev"


@pytest.mark.parametrize("folder", [".git/hooks", "our hooks"])
def test_a_hook_of_this_clone_that_stops_the_push(project: Path, folder: str) -> None:
    if folder != ".git/hooks":
        git(project, "config", "core.hooksPath", folder)
        (project / ".git/info").mkdir(exist_ok=True)
        (project / ".git/info/exclude").write_text(f"{folder}/\n")
    write_program(project / folder / "pre-push", HOOK)
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["exit_code"], error["code"]) == (1, "push-stopped")
    assert f"the hook {folder}/pre-push of this clone stopped the push to env/dev" in error["message"]
    assert "only on Tuesdays" in error["message"]


def test_a_hook_that_lets_the_push_pass_is_not_blamed_for_the_remote(project: Path) -> None:
    write_program(project / ".git/hooks/pre-push", "exit 0")
    write_program(remote_of(project) / "hooks/pre-receive", HOOK)
    before = remote_refs(project)
    error = refused(project, "promote", "main", "dev", "--yes")
    assert error["code"] == "push-refused"
    assert remote_refs(project) == before


def test_a_hook_that_lets_environments_pass(project: Path) -> None:
    write_program(project / ".git/hooks/pre-push", "! grep -v ' refs/heads/env/'")
    promote(project, "main", "dev")
    assert head(project, "env/dev")
