"""What status tells, and what verify finds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from helpers import (
    PROJECT,
    call_script,
    edit_branch,
    git,
    head,
    promote,
    push,
    record,
    released_text,
    remote_of,
    values,
    write,
)

LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"


def environment(clone: Path, name: str) -> dict[str, Any]:
    document = call_script(clone, "status", "--json").document["status"]
    return next(entry for entry in document["environments"] if entry["name"] == name)


def test_status_before_the_first_release(project: Path) -> None:
    assert environment(project, "dev")["release"] is None
    assert call_script(project, "status").exit_code == 0


def test_status_shows_what_is_behind(promoted_to_staging: Path) -> None:
    write(promoted_to_staging, {LOAD_STOCK: "x = 1\n"})
    push(promoted_to_staging)
    promote(promoted_to_staging, "main", "dev")
    behind = {
        name: entry["behind"] for name, entry in environment(promoted_to_staging, "staging")["pipelines"].items()
    }
    assert behind == {"orders": False, "returns": False, "stock": True}
    assert "≠" in call_script(promoted_to_staging, "status").stdout


def test_status_shows_holds(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {LOAD_STOCK: "x = 1\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    call_script(promoted_to_dev, "rollback", "dev", "--yes", "--reason", "wrong totals")
    assert [hold["pipeline"] for hold in environment(promoted_to_dev, "dev")["holds"]] == ["stock"]
    assert "HOLD dev: stock" in call_script(promoted_to_dev, "status", "dev").stdout


def test_status_shows_that_the_platform_differs(promoted_to_staging: Path) -> None:
    write(promoted_to_staging, {"requirements.txt": "pandas\n"})
    push(promoted_to_staging)
    promote(promoted_to_staging, "main", "dev")
    assert environment(promoted_to_staging, "staging")["platform_behind"]
    assert not environment(promoted_to_staging, "dev")["platform_behind"]
    assert "staging: the platform differs from dev's" in call_script(promoted_to_staging, "status").stdout


def test_status_of_all_survives_an_environment_that_cannot_be_read(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {"environments/dev/values.yaml": "schedules: [\n", "environments/qa/values.yaml": ""})
    push(promoted_to_dev)
    result = call_script(promoted_to_dev, "status")
    assert result.exit_code == 0, result.stderr
    assert "dev: its configuration on main is not usable" in result.stdout
    assert "qa: its configuration on main is not usable" in result.stdout


def test_status_shows_which_pipelines_no_smoke_test_has_proven(promoted_to_dev: Path) -> None:
    pipelines = environment(promoted_to_dev, "dev")["pipelines"]
    assert {entry["verified"] for entry in pipelines.values()} == {False}


def test_status_shows_a_configuration_that_is_not_released_yet(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {"environments/dev/values.yaml": values("dev") + "# soon\n"})
    push(promoted_to_dev)
    assert environment(promoted_to_dev, "dev")["configuration_ahead"] is True


def test_status_writes_the_page(promoted_to_dev: Path, tmp_path: Path) -> None:
    page = tmp_path / "new folder" / "status.html"
    assert call_script(promoted_to_dev, "status", "--html", str(page)).exit_code == 0
    assert "orders" in page.read_text()


def test_status_sees_what_another_clone_released(promoted_to_dev: Path) -> None:
    git(promoted_to_dev.parent, "clone", "--quiet", str(remote_of(promoted_to_dev)), "other")
    promote(promoted_to_dev.parent / "other", "dev", "staging")
    assert environment(promoted_to_dev, "staging")["release"] == 1


# Verify


def verification(clone: Path, name: str = "dev") -> set[str]:
    """Return the codes of what verify finds."""
    result = call_script(clone, "verify", name, "--json")
    if result.exit_code == 0:
        return set()
    error = result.document["error"]
    assert result.exit_code == error["exit_code"] == 3
    return {finding["code"] for finding in error["findings"]}


def test_every_release_of_every_environment_verifies(promoted_to_prod: Path) -> None:
    write(promoted_to_prod, {LOAD_STOCK: "x = 1\n"})
    push(promoted_to_prod)
    promote(promoted_to_prod, "main", "dev")
    promote(promoted_to_prod, "dev", "staging", "-p", "stock")
    assert [verification(promoted_to_prod, name) for name in ("dev", "staging", "prod")] == [set(), set(), set()]


@pytest.mark.parametrize(
    ("path", "codes"),
    [
        (LOAD_STOCK, {"digest-mismatch", "chain-broken"}),
        ("Dockerfile", {"digest-mismatch", "chain-broken"}),
        ("environments/dev/values.yaml", {"digest-mismatch", "chain-broken"}),
        ("notes.txt", {"digest-mismatch", "chain-broken"}),
        ("environments/prod/values.yaml", {"unexpected-file", "chain-broken"}),
    ],
)
def test_a_file_changed_by_hand_is_found(promoted_to_dev: Path, path: str, codes: set[str]) -> None:
    edit_branch(promoted_to_dev, "env/dev", {path: "by hand\n"})
    assert verification(promoted_to_dev) == codes


def test_a_file_removed_by_hand_is_found(promoted_to_dev: Path) -> None:
    edit_branch(promoted_to_dev, "env/dev", {LOAD_STOCK: None})
    assert verification(promoted_to_dev) == {"digest-mismatch", "chain-broken"}


def test_a_merge_by_hand_is_found(promoted_to_staging: Path) -> None:
    other = promoted_to_staging.parent / "by hand"
    git(promoted_to_staging.parent, "clone", "--quiet", "--branch=env/dev", "remote.git", "by hand")
    git(other, "merge", "--quiet", "--allow-unrelated-histories", "-s", "ours", "-m", "x", "origin/env/staging")
    git(other, "push", "--quiet", "origin", "HEAD:env/dev")
    assert verification(promoted_to_staging) == {"chain-broken"}


def test_a_merge_in_the_place_of_a_release_is_found(promoted_to_staging: Path) -> None:
    """All that it holds is right, only its second parent is not."""
    write(promoted_to_staging, {LOAD_STOCK: "x = 1\n"})
    push(promoted_to_staging)
    promote(promoted_to_staging, "main", "dev")
    git(promoted_to_staging, "fetch", "--quiet")
    parents = ("-p", "origin/env/dev^", "-p", "origin/env/staging")
    merge = git(promoted_to_staging, "commit-tree", *parents, "-m", "x", "origin/env/dev^{tree}")
    git(promoted_to_staging, "push", "--quiet", "--force", "origin", f"{merge}:refs/heads/env/dev")
    assert verification(promoted_to_staging) == {"chain-broken"}


def test_a_branch_with_the_releases_of_another_environment_is_found(promoted_to_staging: Path) -> None:
    git(promoted_to_staging, "fetch", "--quiet")
    git(promoted_to_staging, "push", "--quiet", "origin", "refs/remotes/origin/env/staging:refs/heads/env/prod")
    assert verification(promoted_to_staging, "prod") == {"chain-broken"}


def test_an_earlier_release_changed_by_force_is_found(promoted_to_dev: Path) -> None:
    """A rewritten history: the second release is right in itself, the first under it is not."""
    write(promoted_to_dev, {LOAD_STOCK: "x = 1\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    other = promoted_to_dev.parent / "by hand"
    git(promoted_to_dev.parent, "clone", "--quiet", "--branch=env/dev", "remote.git", "by hand")
    second = git(other, "rev-parse", "HEAD^{tree}")
    git(other, "checkout", "--quiet", "HEAD^")
    write(other, {LOAD_STOCK: "forged = 1\n"})
    git(other, "commit", "--quiet", "--amend", "-a", "-m", "x")
    forged = git(other, "commit-tree", "-p", "HEAD", "-m", "x", second)
    git(other, "push", "--quiet", "--force", "origin", f"{forged}:env/dev")
    assert verification(promoted_to_dev) == {"digest-mismatch"}


def test_what_is_released_after_a_commit_by_hand_is_right_again(promoted_to_dev: Path) -> None:
    edit_branch(promoted_to_dev, "env/dev", {LOAD_STOCK: "x = 1\n"})
    assert call_script(promoted_to_dev, "promote", "main", "dev", "--yes").exit_code == 0
    error = call_script(promoted_to_dev, "verify", "dev", "--json").document["error"]
    assert {finding["path"].split()[2] for finding in error["findings"]} == {"1"}
    assert record(promoted_to_dev, "dev")["number"] == 3


def test_a_rollback_to_a_release_is_none_to_a_commit_by_hand_with_its_number(promoted_to_dev: Path) -> None:
    edit_branch(promoted_to_dev, "env/dev", {LOAD_STOCK: "x = 1\n"})
    write(promoted_to_dev, {LOAD_STOCK: "y = 1\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    assert call_script(promoted_to_dev, "rollback", "dev", "--to", "1", "--reason", "x", "--yes").exit_code == 0
    assert released_text(promoted_to_dev, "dev", LOAD_STOCK) not in ("x = 1", "y = 1")


def test_a_folder_that_is_no_project_is_no_answer(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    result = call_script(tmp_path, "verify", "--json")
    assert (result.exit_code, result.document["error"]["code"]) == (64, "not-a-project")


def test_a_clone_with_a_finding_does_not_verify(project: Path) -> None:
    write(project, {LOAD_STOCK: "import mage_project.nowhere\n"})
    result = call_script(project, "verify", "--json")
    assert (result.exit_code, result.document["error"]["code"]) == (3, "verification-failed")
    assert result.document["error"]["findings"][0]["path"] == LOAD_STOCK


def test_verify_looks_at_what_is_released_and_at_nothing_else(project: Path) -> None:
    """Keys in tests and links in documentation are no business of a release."""
    write(project, {"tests/key.pem": "-----BEGIN PRIVATE KEY-----\n", LOAD_STOCK: "import mage_project.nowhere\n"})
    (project / "latest").symlink_to("/tmp")
    result = call_script(project, "verify", "--json")
    assert {finding["path"] for finding in result.document["error"]["findings"]} == {LOAD_STOCK}


def test_a_policy_that_names_no_environment_does_not_verify(project: Path) -> None:
    write(project, {"environments/prod/policy.yaml": "source: stagng\ngates: []\n"})
    finding = call_script(project, "verify", "--json").document["error"]["findings"][0]
    assert (finding["path"], finding["code"]) == ("environments/prod/policy.yaml", "unknown-source")


def test_a_policy_chain_that_never_reaches_main_does_not_verify(project: Path) -> None:
    shutil.copytree(project / "environments/prod", project / "environments/qa")
    write(project, {"environments/qa/values.yaml": values("qa")})
    write(project, {"environments/qa/policy.yaml": "source: qa\ngates: []\n"})
    finding = call_script(project, "verify", "--json").document["error"]["findings"][0]
    assert (finding["path"], finding["code"]) == ("environments/qa/policy.yaml", "unknown-source")


def test_head_is_a_release(promoted_to_dev: Path) -> None:
    assert environment(promoted_to_dev, "dev")["releases"][0]["commit"] == head(promoted_to_dev, "env/dev")
