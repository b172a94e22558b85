"""What an environment's policy.yaml may say, who may release, and what stands on hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from basics.errors import Malformed
from basics.yaml_file import load_mapping
from helpers import (
    PROJECT,
    call_script,
    git,
    head,
    promote,
    push,
    refusal_codes,
    refused,
    remote_of,
    sign,
    write,
    write_policy,
)
from promotion.configuration.policy import People, Policy, StandingHold, read_policy

LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"


def read(text: str) -> Policy:
    return read_policy("policy.yaml", load_mapping("policy.yaml", f"source: dev\ngates: []\n{text}"))


# The file


def test_only_source_and_gates_are_needed() -> None:
    assert read("") == Policy("dev", ())


def test_every_key_is_read() -> None:
    keys = 'smoke: kind\npromoters: ["*@example.com"]\nsigned: true\nholds: [{pipeline: a, reason: b}]\n'
    policy = read(f"{keys}zone: Asia/Tokyo\nwatch: 2h\non_failure: hold\n")
    people, hold = People(("*@example.com",)), StandingHold("a", "b")
    expected = Policy("dev", (), smoke="kind", promoters=people, approvers=people, signed=True, holds=(hold,))
    assert policy == replace(expected, zone="Asia/Tokyo", watch=2, on_failure="hold")


@pytest.mark.parametrize(
    ("text", "key", "fix"),
    [
        ("promoter: [a]", "promoter", "write promoters"),
        ("landlord: [a]", "landlord", "one of approvals, approvers, "),
        ("promoters: ada@example.com", "promoters", "promoters: ["),
        ("promoters: []", "promoters", "promoters: ["),
        ("promoters: [7]", "promoters", "promoters: ["),
        ("signed: maybe", "signed", "signed: true"),
        ("signed: 1", "signed", "signed: true"),
        ("approvals: yes", "approvals", "approvals: 1"),
        ("approvals: -1", "approvals", "approvals: 1"),
        ("approvals: [ada@example.com]", "approvals", "approvals: 1"),
        ("approvers: ada@example.com", "approvers", "approvers: ["),
        ("watch: soon", "watch", "2h"),
        ("watch: 2h\non_failure: revert", "on_failure", "one of hold, rollback, tell"),
        ("on_failure: hold", "on_failure", "watch: 2h"),
        ("watch: 0\non_failure: rollback", "on_failure", "watch: 2h"),
        ("holds: {orders: x}", "holds", "holds: []"),
        ("holds: [orders]", "holds[0]", "write keys and values"),
        ("holds: [{pipeline: orders}]", "holds[0].reason", "say why"),
        ("holds: [{reason: x}, {pipeline: [a], reason: x}]", "holds[1].pipeline", "name one pipeline"),
        ("holds: [{pipelin: orders, reason: x}]", "holds[0].pipelin", "write pipeline"),
    ],
)
def test_a_mistake_is_named_by_its_key_with_a_way_out(text: str, key: str, fix: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read(text)
    finding = refusal.value.finding
    assert (finding.path, finding.problem.partition(": ")[0]) == ("policy.yaml", key)
    assert fix in finding.fix


def test_a_mistake_stops_the_promotion_and_is_found_in_its_line(project: Path) -> None:
    write_policy(project, "dev", holds=[{"pipeline": "orders"}])
    push(project)
    (finding,) = refused(project, "promote", "main", "dev", "--yes")["findings"]
    assert (finding["path"], finding["line"]) == ("environments/dev/policy.yaml", 4)


# Who may release


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [("ada@example.com", True), ("ADA@Example.com", True), ("*@example.com", True), ("*@example.org", False)],
)
def test_only_those_who_are_listed_release(project: Path, pattern: str, allowed: bool) -> None:
    write_policy(project, "dev", promoters=["bob@example.com", pattern])
    push(project)
    assert refusal_codes(project, "main", "dev") == ([] if allowed else ["not-a-promoter"])


def test_a_refusal_tells_who_may(project: Path) -> None:
    write_policy(project, "dev", promoters=["bob@example.com"])
    push(project)
    error = refused(project, "promote", "main", "dev", "--yes")
    assert error["exit_code"] == 4
    assert "Ada Example <ada@example.com>" in error["message"]
    assert "bob@example.com may" in error["message"]


def test_a_rollback_answers_to_the_policy_on_main_not_to_the_older_one(promoted_to_dev: Path) -> None:
    write(promoted_to_dev, {LOAD_STOCK: "x = 1\n"})
    push(promoted_to_dev)
    promote(promoted_to_dev, "main", "dev")
    write_policy(promoted_to_dev, "dev", promoters=["bob@example.com"])
    push(promoted_to_dev)
    assert refused(promoted_to_dev, "rollback", "dev", "--reason", "x", "--yes")["code"] == "not-a-promoter"


# Signatures


@pytest.fixture
def signed_dev(project: Path) -> Path:
    """Dev asks for signed releases; Ada has a key that everybody knows, and git signs with it."""
    sign(project)
    write_policy(project, "dev", signed=True)
    push(project)
    return project


def found(clone: Path) -> set[str]:
    error: dict[str, Any] = call_script(clone, "verify", "dev", "--json").document.get("error", {"findings": []})
    return {finding["code"] for finding in error["findings"]}


def test_a_release_is_signed_where_the_policy_asks_for_it(signed_dev: Path) -> None:
    promote(signed_dev, "main", "dev")
    git(signed_dev, "verify-commit", head(signed_dev, "env/dev"))
    assert found(signed_dev) == set()


def test_who_does_not_sign_is_refused_before_anything_runs(signed_dev: Path) -> None:
    git(signed_dev, "config", "commit.gpgsign", "false")
    error = refused(signed_dev, "promote", "main", "dev", "--yes")
    assert (error["code"], error["exit_code"]) == ("not-signing", 4)


def test_an_unsigned_release_is_found(signed_dev: Path) -> None:
    promote(signed_dev, "main", "dev")
    tree, message = f"{head(signed_dev, 'env/dev')}^{{tree}}", "Release 1 of dev, in somebody else's words"
    forged = git(signed_dev, "commit-tree", tree, "-m", message)
    git(signed_dev, "push", "--quiet", "--force", str(remote_of(signed_dev)), f"{forged}:env/dev")
    assert found(signed_dev) == {"unsigned-release"}


def test_a_key_that_nobody_knows_is_no_signature(signed_dev: Path) -> None:
    promote(signed_dev, "main", "dev")
    (signed_dev.parent / "signers").write_text("")
    assert found(signed_dev) == {"unsigned-release"}


# Standing holds


@pytest.mark.parametrize(
    ("hold", "arguments", "refused_with"),
    [
        ({"reason": "audit"}, [], ["standing-hold"]),
        ({"reason": "audit"}, ["-p", "stock"], ["standing-hold"]),
        ({"pipeline": "stock", "reason": "audit"}, ["-p", "stock"], ["standing-hold"]),
        ({"pipeline": "stock", "reason": "audit"}, ["--release-hold", "--reason", "x"], ["standing-hold"]),
        ({"pipeline": "orders", "reason": "audit"}, ["-p", "stock"], []),
    ],
)
def test_what_the_policy_holds_stays(
    promoted_to_dev: Path, hold: dict[str, str], arguments: list[str], refused_with: list[str]
) -> None:
    write(promoted_to_dev, {LOAD_STOCK: "x = 1\n"})
    write_policy(promoted_to_dev, "dev", holds=[hold])
    push(promoted_to_dev)
    assert refusal_codes(promoted_to_dev, "main", "dev", *arguments) == refused_with


def test_a_hold_says_how_to_leave_out_what_it_holds(promoted_to_dev: Path) -> None:
    write_policy(promoted_to_dev, "dev", holds=[{"pipeline": "stock", "reason": "audit"}])
    loaders = (f"{PROJECT}/data_loaders/load_{name}.py" for name in ("orders", "stock"))
    write(promoted_to_dev, dict.fromkeys(loaders, "newer = 1\n"))
    push(promoted_to_dev)
    error = refused(promoted_to_dev, "promote", "main", "dev", "--yes")
    assert error["fix"].startswith("leave them out (--exclude stock), or remove")
    promote(promoted_to_dev, "main", "dev", "--exclude", "stock")


def test_a_hold_of_a_pipeline_that_nobody_has_is_refused(promoted_to_dev: Path) -> None:
    write_policy(promoted_to_dev, "dev", holds=[{"pipeline": "stok", "reason": "audit"}])
    push(promoted_to_dev)
    error = refused(promoted_to_dev, "promote", "main", "dev", "--yes")
    assert (error["code"], error["exit_code"]) == ("unknown-hold", 4)
    assert error["fix"] == "write stock; or remove the entry"


def test_a_standing_hold_is_shown_until_main_lifts_it(promoted_to_dev: Path) -> None:
    write_policy(promoted_to_dev, "dev", holds=[{"pipeline": "stock", "reason": "audit of 2026"}])
    push(promoted_to_dev)
    page = promoted_to_dev.parent / "status.html"
    shown = call_script(promoted_to_dev, "status", "--html", str(page)).stdout
    assert "HOLD dev: stock, by its policy: audit of 2026" in shown
    assert "audit of 2026" in page.read_text()
    write_policy(promoted_to_dev, "dev", holds=[])
    push(promoted_to_dev)
    assert "HOLD" not in call_script(promoted_to_dev, "status").stdout


def test_what_waiting_does_not_help_is_told_before_what_it_does(promoted_to_dev: Path) -> None:
    write_policy(promoted_to_dev, "dev", approvals=1, holds=[{"reason": "audit"}])
    write(promoted_to_dev, {f"{PROJECT}/utils/money.py": "newer = 1\n"})
    push(promoted_to_dev)
    codes = refusal_codes(promoted_to_dev, "main", "dev", "-p", "orders")
    assert codes == ["standing-hold", "shared-file", "not-approved"]


def test_everything_that_stands_in_the_way_is_told_at_once(project: Path) -> None:
    write_policy(
        project, "dev", promoters=["bob@example.com"], signed=True, holds=[{"reason": "audit"}], gates=["static"]
    )
    write(project, {f"{PROJECT}/io_config.yaml": "default: [\n"})
    push(project)
    codes = ["not-a-promoter", "not-signing", "standing-hold", "static-gate"]
    assert refusal_codes(project, "main", "dev") == codes
    result = call_script(project, "promote", "main", "dev", "--plan")
    assert result.exit_code == 4
    assert all(f"[{code}]" in result.stdout for code in codes)
