"""`promote.py rehearse`: a promotion and its rollback, of which nothing is left."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any
from unittest import mock

from helpers import (
    PROJECT,
    Program,
    Result,
    call_script,
    command,
    edit_branch,
    environment,
    git,
    head,
    push,
    remote_refs,
    sign,
    untouched,
    write,
    write_policy,
    write_program,
)
from mage_pod.waiting import until

CLEAN = f"{PROJECT}/transformers/clean.py"


def rehearse(clone: Path, *arguments: str) -> Result:
    """Rehearse a promotion to dev, of which nothing is left: no ref, no object, no folder."""
    call_script(clone, "status")  # brings what the remote has
    scratch = clone.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    before = untouched(clone), remote_refs(clone), git(clone, "count-objects")
    with mock.patch("tempfile.tempdir", str(scratch)):
        result = call_script(clone, "promote", "rehearse", "main", "dev", *arguments)
    assert (untouched(clone), remote_refs(clone), git(clone, "count-objects")) == before
    assert list(scratch.iterdir()) == []
    return result


def rehearsed(clone: Path, *arguments: str) -> dict[str, Any]:
    return rehearse(clone, *arguments, "--json").document


def test_both_plans_and_both_results_are_told(two_changes: Path) -> None:
    document = rehearsed(two_changes)
    assert [row["name"] for row in document["promotion"]["pipelines"]] == ["orders", "stock"]
    assert (document["promotion"]["number"], document["rollback"]["number"]) == (2, 3)
    assert [document[act]["action"] for act in ("promotion", "rollback")] == ["promotion", "rollback"]
    assert (document["rehearsed"]["environment"], document["rehearsed"]["restored"]) == ("dev", 1)


def test_people_read_the_same(two_changes: Path) -> None:
    shown = rehearse(two_changes)
    assert shown.exit_code == 0, shown.stderr
    assert "Promotion plan  main" in shown.stdout
    assert "Rollback plan  dev release 1" in shown.stdout
    files = len(git(two_changes, "ls-tree", "-r", "--name-only", head(two_changes, "env/dev")).splitlines()) - 1
    assert f"all {files} files of dev 1 are back, byte for byte" in shown.stdout


def test_a_selection_is_rehearsed(two_changes: Path) -> None:
    document = rehearsed(two_changes, "-p", "stock")
    for act in ("promotion", "rollback"):
        assert [row["name"] for row in document[act]["pipelines"]] == ["stock"]


def test_nothing_to_do_is_no_rehearsal(promoted_to_dev: Path) -> None:
    result = rehearse(promoted_to_dev)
    assert (result.exit_code, "Nothing to do" in result.stdout) == (0, True)


def test_a_first_release_has_nothing_to_go_back_to(project: Path) -> None:
    assert rehearsed(project)["rehearsed"] == {"environment": "dev", "restored": None}


def test_what_would_refuse_the_promotion_refuses_the_rehearsal(two_changes: Path) -> None:
    write(two_changes, {CLEAN: "newer = 1\n"})
    push(two_changes)
    result = rehearse(two_changes, "-p", "orders", "--json")
    assert (result.exit_code, result.document["error"]["code"]) == (5, "shared-file")
    assert "rollback" not in result.document


def test_local_work_that_it_would_not_see_refuses_it(two_changes: Path) -> None:
    write(two_changes, {CLEAN: "newer = 1\n"})
    assert rehearse(two_changes, "--json").document["error"]["code"] == "uncommitted-changes"


def test_a_rollback_that_would_be_refused_is_known_before(two_changes: Path) -> None:
    edit_branch(two_changes, "env/dev", {"environments/dev/policy.yaml": "source: [\n"})
    document = rehearsed(two_changes)
    assert document["promotion"]["refusals"] == []
    assert (document["error"]["exit_code"], document["error"]["findings"][0]["code"]) == (3, "malformed-yaml")


def test_a_file_that_would_not_come_back_is_named(two_changes: Path) -> None:
    edit_branch(two_changes, "env/dev", {"notes.txt": "by hand\n"})
    error = rehearse(two_changes, "--json").document["error"]
    assert (error["code"], error["exit_code"]) == ("not-restored", 3)
    assert [finding["path"] for finding in error["findings"]] == ["notes.txt"]


def test_a_rehearsal_signs_as_the_release_will_be_signed(two_changes: Path) -> None:
    write_policy(two_changes, "dev", signed=True)
    push(two_changes)
    assert rehearse(two_changes, "--json").document["error"]["code"] == "not-signing"
    key = sign(two_changes)
    assert rehearse(two_changes).exit_code == 0
    key.unlink()
    assert rehearse(two_changes, "--json").document["error"]["code"] == "command-failed"


def test_ctrl_c_leaves_nothing_either(two_changes: Path) -> None:
    folder = two_changes.parent
    (folder / "scratch").mkdir()
    wait = f'case " $* " in *" push "*) touch "{folder}/arrived"; sleep 60;; esac'
    write_program(folder / "programs/git", f'{wait}\nexec "{shutil.which("git")}" "$@"')
    before = untouched(two_changes), remote_refs(two_changes)
    path = f"{folder / 'programs'}:{os.environ['PATH']}"
    variables = environment(PATH=path, TMPDIR=str(folder / "scratch"))
    process = Program(*command("promote", "rehearse", "main", "dev"), environment=variables, cwd=two_changes)
    until((folder / "arrived").exists, "a push began")
    assert list((folder / "scratch").iterdir())
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert list((folder / "scratch").iterdir()) == []
    assert (untouched(two_changes), remote_refs(two_changes)) == before
