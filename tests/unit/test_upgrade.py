"""A team takes the next version of the template: what is theirs stays, and what they changed is merged by git."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from disturbed import GIT, in_a_process_of_its_own
from helpers import ROOT, Result, call_script, change_files, commit, git, refused, untouched, write, write_program
from mage_pod.waiting import until
from promotion.repository.tree import tree_of_folder
from promotion.upgrading.notes import CHANGELOG, new_notes
from promotion.upgrading.renames import REGISTER, new_renames

CHART_FILE, POD, RECORD = "charts/mage/Chart.yaml", "charts/mage/templates/pod.yaml", ".template.yaml"
LINES = [f"line {number}\n" for number in range(20)]
VALUES = """\
env: dev # the first

executor:
  # Blöcke in pods of their own.
  kind: k8s # or local
schedules:
  daily: {pipeline: orders, every: "@daily"}
  weekly:
    every: "@weekly"
"""
RENAMES = """\
0.3.0:
  - {file: values.yaml, key: executor.kind, to: type}
  - {file: values.yaml, key: schedules.*.every, to: interval}
  - {file: policy.yaml, key: soak, to: null, hint: count runs}
"""
CHANGES = """\
# Changelog

## 0.3.0

### To do at an upgrade
- Turn it off,
  and on again.

### Added
- A lamp.

## 0.2.0

### To do at an upgrade
- Buy a lamp.
"""


def text(**lines: str) -> str:
    """Return the twenty lines of a file, some of them changed: `line3="…"`."""
    return "".join(
        f"{lines[f'line{number}']}\n" if f"line{number}" in lines else LINES[number] for number in range(20)
    )


def first_version() -> dict[str, str]:
    return {
        CHART_FILE: "name: mage\nversion: 0.2.0\n",
        POD: text(),
        "Makefile": text(),
        "requirements.txt": "alpha==1\n",
        "README.md": "The template\n",
        "NOTICE": "The template\n",
        "CHANGELOG.md": CHANGES.replace("## 0.3.0", "").replace("- Turn it off,\n  and on again.\n", ""),
        "mage_project/metadata.yaml": "project_uuid: example\n",
        "environments/dev/values.yaml": "env: dev\n",
        "environments/dev/policy.yaml": "source: main\ngates: []\n",
    }


SECOND_VERSION = {
    CHART_FILE: "name: mage\nversion: 0.3.0\n",
    POD: text(line2="new"),
    "charts/mage/templates/new.yaml": "new: true\n",
    "NOTICE": None,
    "CHANGELOG.md": CHANGES,
    REGISTER: RENAMES,
    "mage_project/metadata.yaml": "project_uuid: newer example\n",
}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The template with its first version, which has the tag v1."""
    folder = tmp_path / "the template"
    folder.mkdir()
    git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
    write(folder, first_version())
    commit(folder, "First version")
    git(folder, "tag", "v1")
    return folder


@pytest.fixture
def team(template: Path, tmp_path: Path) -> Path:
    """A copy with one commit, as a host makes it of a template, in which a team has put a project of its own."""
    folder = tmp_path / "a team's work"
    folder.mkdir()
    git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
    git(tmp_path, "init", "--quiet", "--template=", "--bare", "remote.git")
    git(folder, "remote", "add", "origin", "../remote.git")
    git(folder, "config", "branch.main.remote", "origin")
    write(folder, first_version())
    commit(folder, "Initial commit")
    write(
        folder,
        {"mage_project/metadata.yaml": "project_uuid: ours\n", "mage_project/pipelines/ours.yaml": "a: 1\n"},
    )
    write(folder, {"environments/dev/values.yaml": VALUES})
    commit(folder, "Our project")
    return folder


def release(template: Path, files: Mapping[str, str | None], tag: str = "v2") -> None:
    """Make the next version of the template."""
    change_files(template, files)
    commit(template, tag)
    git(template, "tag", tag)


def upgrade(team: Path, template: Path, *words: str, exit_code: int = 0) -> Result:
    result = call_script(team, "upgrade", str(template), *words)
    assert result.exit_code == exit_code, result.stderr
    return result


def plan(team: Path, template: Path, exit_code: int = 2) -> dict[str, Any]:
    before = untouched(team)
    document = upgrade(team, template, "--plan", "--json", exit_code=exit_code).document["upgrade"]
    assert untouched(team) == before
    assert isinstance(document, dict)
    return document


def upgraded(team: Path, template: Path) -> Path:
    """Upgrade, and check the new branch out."""
    branch = upgrade(team, template, "--yes", "--json").document["prepared"]["branch"]
    git(team, "switch", "--quiet", branch)
    return team


def read(team: Path, path: str) -> str | None:
    return (team / path).read_text() if (team / path).exists() else None


def without_new_branch(state: dict[str, str]) -> dict[str, str]:
    return {name: content for name, content in state.items() if not name.startswith(".git/refs/heads/upgrade/")}


def outcomes(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {own["path"]: (own["change"], own["outcome"]) for own in document["own"]}


def test_the_project_stays_and_all_else_is_the_new_version(team: Path, template: Path) -> None:
    release(template, SECOND_VERSION)
    before, branches = untouched(team), git(team, "branch", "--list")
    upgrade(team, template, "--yes")
    assert without_new_branch(untouched(team)) == before
    assert git(team, "branch", "--list").splitlines()[:1] == branches.splitlines()
    (branch,) = git(team, "branch", "--list", "--format=%(refname:short)", "upgrade/*").splitlines()
    assert branch == f"upgrade/0.3.0-{git(template, 'rev-parse', '--short=8', 'v2')}"
    assert git(team, "rev-list", "--parents", "-1", branch).split()[1:] == [git(team, "rev-parse", "main")]
    git(team, "switch", "--quiet", branch)
    assert read(team, POD) == text(line2="new")
    assert read(team, "charts/mage/templates/new.yaml") == "new: true\n"
    assert read(team, "NOTICE") is None
    assert read(team, "mage_project/metadata.yaml") == "project_uuid: ours\n"
    assert git(team, "diff", "--name-only", "main", "--", "mage_project") == ""
    assert read(team, "environments/dev/policy.yaml") == "source: main\ngates: []\n"


def test_the_example_makes_room_for_the_team(team: Path, template: Path) -> None:
    release(template, SECOND_VERSION)
    upgraded(team, template)
    assert read(team, "examples/flights/mage_project/metadata.yaml") == "project_uuid: newer example\n"
    assert read(team, "examples/flights/environments/dev/values.yaml") == "env: dev\n"


def test_an_example_that_is_aside_is_upgraded_there(team: Path, template: Path) -> None:
    write(team, {f"examples/flights/{path}": first_version()[path] for path in ("mage_project/metadata.yaml",)})
    commit(team, "Make room")
    release(template, {"mage_project/metadata.yaml": "project_uuid: newer example\n"})
    upgraded(team, template)
    assert read(team, "examples/flights/mage_project/metadata.yaml") == "project_uuid: newer example\n"
    assert read(team, "mage_project/metadata.yaml") == "project_uuid: ours\n"


def test_an_example_that_was_removed_stays_away(team: Path, template: Path) -> None:
    write(team, {"examples/flights/mage_project/metadata.yaml": "project_uuid: example\n"})
    commit(team, "Make room")
    git(team, "rm", "-r", "--quiet", "examples")
    commit(team, "Remove it")
    release(template, SECOND_VERSION)
    assert not (upgraded(team, template) / "examples").exists()


def test_an_example_that_nobody_touched_is_upgraded_where_it_is(template: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(template), str(clone))
    release(template, SECOND_VERSION)
    upgraded(clone, template)
    assert read(clone, "mage_project/metadata.yaml") == "project_uuid: newer example\n"
    assert not (clone / "examples").exists()


def test_what_the_team_changed_is_kept_and_shown(team: Path, template: Path) -> None:
    files = {
        POD: text(line17="ours"),
        "Makefile": text(line5="ours"),
        "charts/mage/templates/ours.yaml": "ours: 1\n",
    }
    write(team, files)
    commit(team, "Our changes")
    release(template, SECOND_VERSION)
    assert outcomes(plan(team, template)) == {
        POD: ("changed", "merged"),
        "Makefile": ("changed", "kept"),
        "charts/mage/templates/ours.yaml": ("added", "kept"),
    }
    assert "Makefile  changed; kept" in upgrade(team, template, "--plan", exit_code=2).stdout
    upgraded(team, template)
    assert read(team, POD) == text(line2="new", line17="ours")
    assert read(team, "Makefile") == text(line5="ours")
    assert read(team, "charts/mage/templates/ours.yaml") == "ours: 1\n"


def test_a_front_page_of_the_team_is_theirs(team: Path, template: Path) -> None:
    write(team, {"README.md": "Our team\n"})
    commit(team, "Say who we are")
    release(template, SECOND_VERSION | {"README.md": "The template, described better\n"})
    assert read(upgraded(team, template), "README.md") == "Our team\n"


def test_what_the_team_removed_stays_away(team: Path, template: Path) -> None:
    (team / "Makefile").unlink()
    commit(team, "No make")
    release(template, SECOND_VERSION)
    assert outcomes(plan(team, template)) == {"Makefile": ("removed", "kept")}
    assert read(upgraded(team, template), "Makefile") is None


def test_a_change_that_came_before_the_team_changed_the_same_file_is_not_lost(team: Path, template: Path) -> None:
    write(team, {"Makefile": text(line17="ours")})
    commit(team, "Our change")
    release(template, {"Makefile": text(line2="new")}, "between")
    release(template, SECOND_VERSION)
    assert read(upgraded(team, template), "Makefile") == text(line2="new", line17="ours")


def test_conflicts_are_left_to_a_person_and_to_git(team: Path, template: Path) -> None:
    write(team, {POD: text(line2="ours"), "NOTICE": "Ours\n", "Makefile": text(line5="ours")})
    commit(team, "Our changes")
    release(template, SECOND_VERSION)
    assert plan(team, template)["conflicts"] == {"NOTICE": "modify/delete", POD: "contents"}
    before = git(team, "rev-parse", "HEAD")
    error = upgrade(team, template, "--yes", "--json", exit_code=5).document["error"]
    assert error["code"] == "upgrade-conflict"
    assert [finding["path"] for finding in error["findings"]] == ["NOTICE", POD]
    assert (git(team, "rev-parse", "HEAD"), git(team, "status", "--porcelain")) == (before, "")
    switch, pick, *_ = error["fix"].split("; ")
    git(team, *switch.split()[1:])
    with pytest.raises(AssertionError, match="conflict"):
        git(team, *pick.split()[1:])
    assert git(team, "diff", "--name-only", "--diff-filter=U").splitlines() == ["NOTICE", POD]
    write(team, {POD: text(line2="both")})
    git(team, "add", "--all")
    git(team, "-c", "core.editor=true", "cherry-pick", "--continue")
    assert read(team, "Makefile") == text(line5="ours")
    assert read(team, "charts/mage/templates/new.yaml") == "new: true\n"
    assert plan(team, template, exit_code=0)["changed"] == []


def test_a_second_call_has_nothing_to_do(team: Path, template: Path) -> None:
    write(team, {"Makefile": text(line5="ours")})
    commit(team, "Our change")
    release(template, SECOND_VERSION)
    first = upgrade(team, template, "--yes", "--json").document
    branches = git(team, "for-each-ref")
    assert upgrade(team, template, "--yes", "--json").document["prepared"] == first["prepared"]
    assert git(team, "for-each-ref") == branches
    git(team, "merge", "--quiet", first["prepared"]["branch"])
    told = upgrade(team, template, "--yes").stdout
    assert told.startswith("Nothing to do: this is 0.3.0")
    assert git(team, "for-each-ref", "refs/heads/upgrade") != ""


def test_the_version_that_is_here_is_not_brought_again(team: Path, template: Path) -> None:
    assert plan(team, template, exit_code=0)["changed"] == []


def test_an_older_version_is_not_brought(team: Path, template: Path) -> None:
    release(template, SECOND_VERSION)
    upgraded(team, template)
    result = upgrade(team, template, "v1", "--plan", "--json", exit_code=0)
    assert result.document["upgrade"]["changed"] == []


def test_the_next_upgrade_begins_where_the_last_one_ended(team: Path, template: Path) -> None:
    write(team, {POD: text(line2="ours")})
    commit(team, "Our change")
    release(template, SECOND_VERSION)
    upgrade(team, template, "--yes", exit_code=5)
    branch = git(team, "branch", "--list", "--format=%(refname:short)", "template/*")
    git(team, "cherry-pick", "--strategy-option=ours", branch)
    git(team, "branch", "--quiet", "-D", branch)
    release(template, {"Makefile": text(line9="third")}, "v3")
    document = plan(team, template)
    assert document["from"] == {"version": "0.3.0", "commit": git(template, "rev-parse", "v2")}
    assert document["changed"] == ["Makefile"]
    assert read(upgraded(team, template), POD) == text(line2="ours")


def test_a_tag_or_a_branch_may_be_named(team: Path, template: Path) -> None:
    release(template, SECOND_VERSION)
    git(template, "tag", "--annotate", "--message", "Second", "second", "v2")
    git(template, "branch", "next", "v2")
    git(template, "reset", "--quiet", "--hard", "v1")
    for name in ("v2", "second", "next"):
        document = upgrade(team, template, name, "--plan", "--json", exit_code=2).document["upgrade"]
        assert document["to"] == {"version": "0.3.0", "commit": git(template, "rev-parse", "v2")}
    git(team, "remote", "add", "upstream", str(template))
    assert call_script(team, "upgrade", "upstream", "next", "--plan").exit_code == 2


def test_keys_with_a_new_name_are_renamed_and_their_comments_stay(team: Path, template: Path) -> None:
    release(template, SECOND_VERSION)
    path = "environments/dev/values.yaml"
    assert [(key["line"], key["key"], key["to"]) for key in plan(team, template)["renamed"]] == [
        (5, "executor.kind", "type"),
        (7, "schedules.daily.every", "interval"),
        (9, "schedules.weekly.every", "interval"),
    ]
    expected = VALUES.replace("kind:", "type:").replace("every:", "interval:")
    assert read(upgraded(team, template), path) == expected
    assert read(team, "environments/dev/policy.yaml") == "source: main\ngates: []\n"


def test_a_key_that_a_person_must_change_is_named(team: Path, template: Path) -> None:
    values = VALUES.replace("  kind: k8s", "  kind: k8s\n  type: local")
    policy = "source: main\ngates: []\nsoak: 3\n"
    write(team, {"environments/dev/values.yaml": values, "environments/dev/policy.yaml": policy})
    commit(team, "More keys")
    release(template, SECOND_VERSION)
    by_hand = {key["key"]: key["hint"] for key in plan(team, template)["renamed"] if key["to"] is None}
    assert by_hand == {"soak": "count runs", "executor.kind": "type is there, too: keep one of them"}
    shown = upgrade(team, template, "--plan", exit_code=2).stdout
    assert "environments/dev/policy.yaml:3: soak: count runs" in shown
    assert read(upgraded(team, template), "environments/dev/policy.yaml") == policy


def test_a_key_is_renamed_once(team: Path, template: Path) -> None:
    release(template, SECOND_VERSION)
    upgraded(team, template)
    write(team, {"environments/dev/values.yaml": VALUES})
    commit(team, "The old names mean something else now")
    release(template, {"Makefile": text(line9="third")}, "v3")
    assert plan(team, template)["renamed"] == []


def test_values_that_are_no_yaml_are_named(team: Path, template: Path) -> None:
    write(team, {"environments/dev/values.yaml": "env: [\n"})
    commit(team, "Broken")
    release(template, SECOND_VERSION)
    error = refused(team, "upgrade", str(template), "--yes")
    assert error["findings"][0]["path"] == "environments/dev/values.yaml"


def test_what_is_to_do_comes_from_the_changelog(team: Path, template: Path) -> None:
    release(template, SECOND_VERSION)
    assert plan(team, template)["to_do"] == {"0.3.0": ["Turn it off, and on again."]}
    assert "  0.3.0: Turn it off, and on again." in upgrade(team, template, "--plan", exit_code=2).stdout


def test_locks_are_made_again_if_only_they_are_in_conflict(team: Path, template: Path) -> None:
    write(team, {"requirements.txt": "alpha==1\nours==7\n"})
    commit(team, "Our package")
    release(template, SECOND_VERSION | {"requirements.txt": "alpha==2\n"})
    document = plan(team, template)
    assert (outcomes(document), document["conflicts"]) == ({"requirements.txt": ("changed", "replaced")}, {})
    assert "make lock" in upgrade(team, template, "--yes").stdout
    assert read(upgraded(team, template), "requirements.txt") == "alpha==2\n"


@pytest.mark.parametrize(("git_command", "branches"), [("fetch", 1), ("merge-tree", 1), ("branch", 2)])
def test_a_kill_leaves_no_branch_or_a_whole_one(
    team: Path, template: Path, git_command: str, branches: int
) -> None:
    release(template, SECOND_VERSION)
    before = untouched(team)
    ended = team.parent / "ended"
    programs = team.parent / "programs"
    kill = f'kill -9 $PPID; "{GIT}" "$@"; touch "{ended}"; exit'  # git itself goes on
    write_program(programs / "git", f'if [ "$1" = {git_command} ]; then {kill}; fi\nexec "{GIT}" "$@"')
    path = f"{programs}:{os.environ['PATH']}"
    assert in_a_process_of_its_own(team, "upgrade", str(template), "--yes", PATH=path) == -signal.SIGKILL
    until(ended.exists, "git ended")
    assert len(git(team, "branch", "--list").splitlines()) == branches
    assert without_new_branch(untouched(team)) == before
    assert read(upgraded(team, template), POD) == text(line2="new")


def test_a_branch_with_something_else_is_kept(team: Path, template: Path) -> None:
    release(template, SECOND_VERSION)
    git(team, "branch", plan(team, template)["branch"], "main")
    error = refused(team, "upgrade", str(template), "--yes")
    assert (error["code"], error["exit_code"]) == ("branch-exists", 5)


def test_there_is_a_question_before_the_work(team: Path, template: Path) -> None:
    release(template, SECOND_VERSION)
    assert refused(team, "upgrade", str(template))["code"] == "no-terminal"


def test_what_is_no_template_is_refused(team: Path, template: Path, tmp_path: Path) -> None:
    release(template, SECOND_VERSION)
    assert refused(team, "upgrade", str(tmp_path / "nowhere"))["code"] == "template-unreadable"
    error = refused(team, "upgrade", str(template), "v3")
    assert (error["code"], error["fix"]) == ("unknown-version", "one of main, v1, v2")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{template}", str(tmp_path / "shallow"))
    assert refused(team, "upgrade", str(tmp_path / "shallow"))["code"] == "template-unreadable"
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet", "--initial-branch=main")
    write(other, {"poem.txt": "roses\n"})
    commit(other)
    assert refused(team, "upgrade", str(other))["code"] == "not-a-version"
    write(other, {CHART_FILE: "name: another\nversion: 9.0.0\n"})
    commit(other)
    assert refused(team, "upgrade", str(other))["code"] == "no-common-version"


def test_an_old_git_is_told(team: Path, template: Path) -> None:
    release(template, SECOND_VERSION)
    programs = team.parent / "programs"
    write_program(programs / "git", f'[ "$1" != merge-tree ] || exit 129\nexec "{GIT}" "$@"')
    error = refused(team, "upgrade", str(template), "--yes", PATH=f"{programs}:{os.environ['PATH']}")
    assert error["code"] == "git-too-old"


def test_this_repository_has_what_an_upgrade_reads_of_a_version() -> None:
    nothing, here = tree_of_folder(ROOT, ()), tree_of_folder(ROOT, (CHART_FILE, CHANGELOG, REGISTER))
    assert len(here) == 3
    assert new_notes(nothing, here)["0.2.0"]
    assert all(rename.file in ("values.yaml", "policy.yaml") for rename in new_renames(nothing, here))
    assert all(rename.to or rename.hint for rename in new_renames(nothing, here))
