"""What is read from a clone and its remote, in clones of every kind."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from helpers import (
    GIT,
    PROJECT,
    call_script,
    edit_branch,
    environment,
    git,
    head,
    promote,
    released_text,
    remote_of,
    write,
)
from helpers import make_clone as make_project
from promotion.repository.git import Repository
from promotion.repository.tree import File


def started(clone: Path, *arguments: str) -> list[str]:
    """Run promote.py and return the commands that git was started for."""
    trace = clone.parent / "trace"
    trace.unlink(missing_ok=True)
    assert call_script(clone, "promote", *arguments, GIT_TRACE=str(trace)).exit_code in (0, 2)
    return re.findall("built-in: git (\\S+)", trace.read_text())


def fetches(clone: Path, *arguments: str) -> int:
    """Run promote.py and return how often it started `git fetch`."""
    return started(clone, *arguments).count("fetch")


def test_nothing_is_searched_in_a_clone_that_is_up_to_date(promoted_to_dev: Path) -> None:
    plan = ("main", "dev", "--plan")
    commands = started(promoted_to_dev, *plan)
    assert (commands.count("rev-list"), commands.count("log")) == (1, 0)  # the one reads dev's history
    edit_branch(promoted_to_dev, "main", {f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n"})
    commands = started(promoted_to_dev, *plan)
    assert commands.count("rev-list") > 1
    assert commands.count("log") == 1


def test_a_clone_is_found_in_a_path_of_two_lines(tmp_path: Path) -> None:
    clone = make_project(tmp_path / "a\nb")
    for branch in ("main", "other"):
        git(clone, "checkout", "--quiet", "-B", branch)
        with Repository.find(clone / PROJECT) as repository:
            assert repository.root == clone
            assert not repository.unpushed([PROJECT])


def test_only_what_is_new_is_fetched(promoted_to_dev: Path) -> None:
    plan = ("main", "dev", "--plan")
    assert fetches(promoted_to_dev, *plan) == 0
    edit_branch(promoted_to_dev, "main", {f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n"})
    assert fetches(promoted_to_dev, *plan) == 1
    assert fetches(promoted_to_dev, *plan) == 0


def test_what_a_killed_fetch_left_is_completed(promoted_to_dev: Path) -> None:
    edit_branch(promoted_to_dev, "main", {f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n"})
    newer = head(promoted_to_dev, "main")
    commit = git(remote_of(promoted_to_dev), "cat-file", "commit", newer) + "\n"
    assert git(promoted_to_dev, "hash-object", "-w", "-t", "commit", "--stdin", stdin=commit) == newer
    promote(promoted_to_dev, "main", "dev")
    assert git(remote_of(promoted_to_dev), "diff", "--name-only", "env/dev", newer, "--", PROJECT) == ""


def test_a_tree_is_what_git_lists(project: Path) -> None:
    write(project, {f"{PROJECT}/ä\nb/c": "", "Dockerfile": "", "Dockerfile.old": "", f"{PROJECT}.old/x": ""})
    (project / PROJECT / "link").symlink_to("metadata.yaml")
    (project / "Dockerfile").chmod(0o755)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", "Change")
    roots = (PROJECT, "environments/dev", "Dockerfile", "charts")
    with Repository.find(project) as repository:
        for wanted in ((), roots, ("environments/dev/values.yaml",)):
            listing = git(project, "ls-tree", "-r", "-z", "--full-tree", "HEAD", "--", *wanted)
            told = (entry.split("\t", 1) for entry in listing.split("\0") if entry)
            listed = {path: File(kind.split(" ")[0], kind.split(" ")[2]) for kind, path in told}
            tree = repository.tree(git(project, "rev-parse", "HEAD"), *wanted)
            assert dict(tree.items()) == listed
            assert len(listed) > 0


def test_a_clone_without_contents_reads_them_when_they_are_needed(promoted_to_dev: Path) -> None:
    git(remote_of(promoted_to_dev), "config", "uploadpack.allowFilter", "true")
    address, partial = f"file://{remote_of(promoted_to_dev)}", promoted_to_dev.parent / "partial"
    git(promoted_to_dev.parent, "clone", "--quiet", "--filter=blob:none", "--no-checkout", address, str(partial))
    git(partial, "checkout", "--quiet", "main")
    edit_branch(promoted_to_dev, "main", {f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n"})
    promote(partial, "main", "dev")
    assert released_text(promoted_to_dev, "dev", f"{PROJECT}/data_loaders/load_stock.py") == "newer = 1"


def test_a_repository_with_ids_of_sha256(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GIT, "GIT_DEFAULT_HASH", "sha256")
    clone = make_project(tmp_path / "sha256")
    assert len(head(clone, "main")) == 64
    promote(clone, "main", "dev")
    promote(clone, "dev", "staging")
    assert git(remote_of(clone), "diff", "--name-only", "main", "env/staging", "--", PROJECT) == ""
    subprocess.run(["git", "fsck", "--strict"], cwd=remote_of(clone), env=environment(), check=True)
