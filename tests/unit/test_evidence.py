"""Which evidence counts for a promotion: of what kind, made for what, and kept where."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers import GIT, PROJECT, call_script, edit_branch, git, promote, push, record, refused, remote_of, write
from promotion.commands.promote import plan_promotion
from promotion.options import Options
from promotion.record.evidence_branch import EvidenceBranch
from promotion.record.release import Evidence
from promotion.repository.git import Repository

OTHER_TYPES = "smoke: {stock: {key: [], kind: local, release: 1, runs: 2, seconds: 1.0}}\n"
POLICY = "environments/dev/policy.yaml"
ADA = "Ada Example <ada@example.com>"


@pytest.fixture(autouse=True)
def as_ada(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is proven in this process is proven by the same person as in the scripts."""
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)


def ask_for(clone: Path, kind: str) -> None:
    """Make smoke evidence of a kind due in dev."""
    write(clone, {POLICY: f"source: main\ngates: [smoke]\nsmoke: {kind}\n"})
    push(clone)


def prove(clone: Path, kind: str) -> None:
    """Leave what `smoke.py main dev` leaves when every pipeline is sound."""
    with Repository.find(clone) as repository:
        plan = plan_promotion(repository, "main", "dev", Options(smoke=kind))
        proven = {
            name: Evidence(plan.draft.keys[name], kind, plan.draft.number, 2, 1.0, ADA)
            for name in plan.verdict.due
        }
        EvidenceBranch(repository, "dev").add_evidence(proven)


def due(clone: Path) -> list[str]:
    """Return the pipelines that a promotion to dev would run first."""
    document = call_script(clone, "promote", "main", "dev", "--plan", "--json").document
    names: list[str] = document["plan"]["smoke"]["due"]
    return names


def path_without(program: str, folder: Path) -> str:
    """Return a PATH with git and nothing that `program` could be."""
    folder.mkdir()
    found = shutil.which("git")
    assert found
    (folder / "git").symlink_to(found)
    assert shutil.which(program, path=str(folder)) is None
    return str(folder)


@pytest.mark.parametrize(
    ("asked", "kind", "enough"),
    [("local", "local", True), ("local", "kind", True), ("kind", "kind", True), ("kind", "local", False)],
)
def test_a_policy_says_which_kind_is_enough(project: Path, asked: str, kind: str, enough: bool) -> None:
    ask_for(project, asked)
    prove(project, kind)
    assert (due(project) == []) is enough


def test_a_release_keeps_the_evidence_that_it_was_made_on(project: Path) -> None:
    ask_for(project, "kind")
    prove(project, "kind")
    promote(project, "main", "dev")
    evidence = record(project, "dev")["gates"]["smoke"]["stock"]
    assert (evidence["kind"], evidence["by"]) == ("kind", ADA)


def test_evidence_from_a_cluster_is_for_one_executor(project: Path) -> None:
    ask_for(project, "kind")
    prove(project, "kind")
    values = project / "environments/dev/values.yaml"
    values.write_text(values.read_text() + "executor: {type: k8s}\n")
    push(project)
    assert due(project) == ["orders", "returns", "stock"]


def test_evidence_for_another_version_does_not_count(project: Path) -> None:
    ask_for(project, "local")
    prove(project, "local")
    write(project, {f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n"})
    push(project)
    assert due(project) == ["stock"]


def test_evidence_is_one_commit_more_by_whom_it_was_made(project: Path) -> None:
    ask_for(project, "local")
    for source in ("a = 1\n", "a = 2\n"):
        write(project, {f"{PROJECT}/data_loaders/load_stock.py": source})
        push(project)
        prove(project, "local")
    log = git(remote_of(project), "log", "--format=%an: %s", "evidence/dev").splitlines()
    assert log == ["Ada Example: Prove stock for dev", "Ada Example: Prove orders, returns, stock for dev"]


def test_proofs_at_once_are_both_kept(project: Path) -> None:
    with Repository.find(project) as slower, Repository.find(project) as faster:
        slower.fetch()
        faster.fetch()
        EvidenceBranch(faster, "dev").add_evidence({"orders": Evidence("sha256:1", "local", 1, 2, 1.0, ADA)})
        EvidenceBranch(slower, "dev").add_evidence({"stock": Evidence("sha256:2", "local", 1, 2, 1.0, ADA)})
        assert set(EvidenceBranch(slower, "dev").record().smoke) == {"orders"}  # as it was when the race was lost
        slower.fetch()
        assert set(EvidenceBranch(slower, "dev").record().smoke) == {"orders", "stock"}


@pytest.mark.parametrize(
    "content", ["nothing of ours\n", "smoke: {stock: {key: x}}\n", "smoke: []\n", "{", OTHER_TYPES]
)
def test_evidence_that_was_written_by_hand_is_named(project: Path, content: str) -> None:
    prove(project, "local")
    edit_branch(project, "evidence/dev", {"evidence.yaml": content})
    error = refused(project, "promote", "main", "dev", "--yes")
    assert (error["code"], error["exit_code"]) == ("evidence-unreadable", 1)


@pytest.mark.parametrize("kind", ["cluster", "[kind]", "true", "~"])
def test_an_unknown_kind_in_a_policy_is_refused(project: Path, kind: str) -> None:
    ask_for(project, kind)
    error = refused(project, "promote", "main", "dev", "--yes")
    (finding,) = error["findings"]
    assert (error["exit_code"], finding["path"], finding["line"]) == (3, POLICY, 3)
    assert finding["fix"] in ("one of kind, local", "write kind")


@pytest.mark.parametrize("name", ["promote", "smoke"])
def test_without_kind_there_is_no_verdict(project: Path, tmp_path: Path, name: str) -> None:
    ask_for(project, "kind")
    arguments = ["--yes"] if name == "promote" else []
    error = refused(project, name, "main", "dev", *arguments, PATH=path_without("kind", tmp_path / "bin"))
    assert (error["code"], error["exit_code"]) == ("program-missing", 6)


def test_a_plan_says_what_is_due_and_where(project: Path) -> None:
    ask_for(project, "kind")
    shown = call_script(project, "promote", "main", "dev", "--plan").stdout
    assert "(smoke, kind: orders, returns, stock)" in shown


def test_what_needs_no_other_proof_is_named_with_its_selectors(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n"})
    ask_for(promoted_to_dev, "local")
    prove(promoted_to_dev, "local")
    shown = call_script(promoted_to_dev, "smoke", "main", "dev", "-p", "stock").stdout
    assert "scripts/promote.py main dev -p stock needs no further proof of this tree." in shown
