"""An auditor with a bare clone and no network finds whatever was changed by hand in a release."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from helpers import PROJECT, call_script, git, promote, remote_of, write


@pytest.fixture
def audited(two_changes: Path) -> Path:
    """A bare clone of a remote that is gone; dev has three releases, the last one a rollback with holds."""
    promote(two_changes, "main", "dev")
    assert call_script(two_changes, "rollback", "dev", "--reason", "wrong totals", "--yes").exit_code == 0
    bare = two_changes.parent / "audit.git"
    git(bare.parent, "clone", "--quiet", "--bare", "remote.git", bare.name)
    remote_of(two_changes).rename(bare.parent / "gone.git")
    return bare


@pytest.fixture
def editor(audited: Path) -> Path:
    """A clone of the auditor's clone, in which somebody writes by hand."""
    git(audited.parent, "clone", "--quiet", "--branch=env/dev", audited.name, "editor")
    return audited.parent / "editor"


def verification(bare: Path) -> set[str]:
    """Return the codes of what verify finds in the auditor's clone."""
    result = call_script(bare, "verify", "dev", "--json")
    if result.exit_code == 0:
        return set()
    error = result.document["error"]
    return {error["code"], *(finding["code"] for finding in error["findings"])}


def after_an_amendment(editor: Path) -> set[str]:
    """Make what was edited part of the last release, whose number and parent stay right; verify, and undo it."""
    released = git(editor, "rev-parse", "HEAD")
    git(editor, "add", "--all")
    git(editor, "commit", "--quiet", "--amend", "--no-edit")
    git(editor, "push", "--quiet", "--force", "origin", "HEAD:env/dev")
    found = verification(editor.parent / "audit.git")
    git(editor, "reset", "--quiet", "--hard", released)
    return found


def test_a_bare_clone_verifies_without_a_network(audited: Path) -> None:
    result = call_script(audited, "verify", "dev")
    assert (result.exit_code, result.stdout) == (0, "OK: 3 releases of dev\n"), result.stderr


def test_a_bare_clone_of_one_branch_is_enough(audited: Path) -> None:
    git(
        audited.parent, "clone", "--quiet", "--bare", "--single-branch", "--branch=env/dev", "audit.git", "one.git"
    )
    assert verification(audited.parent / "one.git") == set()


def test_an_environment_that_does_not_exist_is_no_answer(audited: Path) -> None:
    result = call_script(audited, "verify", "tset", "--json")
    assert (result.exit_code, result.document["error"]["code"]) == (64, "unknown-environment")


def test_every_file_changed_by_hand_is_found(editor: Path) -> None:
    for path in git(editor, "ls-files").splitlines():
        file = editor / path
        file.write_text(f"{file.read_text()}# by hand\n")
        assert after_an_amendment(editor), path


def test_every_file_removed_by_hand_is_found(editor: Path) -> None:
    for path in git(editor, "ls-files").splitlines():
        (editor / path).unlink()
        assert after_an_amendment(editor), path


@pytest.mark.parametrize("path", ["notes.txt", f"{PROJECT}/utils/more.py", "environments/dev/extra.yaml"])
def test_a_file_added_by_hand_is_found(editor: Path, path: str) -> None:
    write(editor, {path: "by_hand = 1\n"})
    assert "digest-mismatch" in after_an_amendment(editor)


def test_another_mode_by_hand_is_found(editor: Path) -> None:
    (editor / f"{PROJECT}/utils/money.py").chmod(0o755)
    assert "digest-mismatch" in after_an_amendment(editor)


def test_every_value_of_the_record_changed_by_hand_is_found(editor: Path) -> None:
    record = editor / "release.yaml"
    text = record.read_text()
    values = {value[1]: value.span(2) for value in re.finditer(r'([\w-]+)"?: ([^\n{},]+)', text)}
    assert {"number", "by", "at", "reason", "since", "digest", "commit", "tag"} <= set(values)
    for key, (start, end) in values.items():
        record.write_text(f"{text[:start]}7{text[end:]}")
        assert after_an_amendment(editor), key


def test_a_commit_in_the_place_of_a_release_is_found(editor: Path) -> None:
    git(editor, "commit", "--quiet", "--allow-empty", "-m", "Nothing")
    git(editor, "push", "--quiet", "origin", "HEAD:env/dev")
    assert "chain-broken" in verification(editor.parent / "audit.git")


def test_a_release_taken_out_of_the_middle_is_found(editor: Path) -> None:
    git(editor, "rebase", "--quiet", "--onto", "HEAD~2", "HEAD~1", "-X", "theirs")
    git(editor, "push", "--quiet", "--force", "origin", "HEAD:env/dev")
    assert "chain-broken" in verification(editor.parent / "audit.git")


def test_an_environment_that_a_bare_clone_does_not_hold_is_no_finding_and_no_pass(audited: Path) -> None:
    git(audited, "branch", "--quiet", "-D", "main")
    error = call_script(audited, "verify", "staging", "--json").document["error"]
    assert (error["code"], error["exit_code"]) == ("no-release", 64)
    assert "--branch env/staging" in error["fix"]
