"""Approvals: somebody else agrees to the very plan, by a commit of his own, before it is released."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import (
    PROJECT,
    Result,
    call_script,
    edit_branch,
    git,
    head,
    promote,
    push,
    record,
    refusal_codes,
    refused,
    released_text,
    remote_of,
    write,
    write_policy,
)
from promotion.record.release import Release
from unit.situations import situation

STOCK = f"{PROJECT}/data_loaders/load_stock.py"
ADA, BOB, EVE = (f"{name} Example <{name.lower()}@example.com>" for name in ("Ada", "Bob", "Eve"))


def person(name: str, **settings: str) -> dict[str, str]:
    """Return the variables that make git take who is at the keyboard for `name`."""
    variables = {f"GIT_{role}_NAME": f"{name} Example" for role in ("AUTHOR", "COMMITTER")}
    variables |= {f"GIT_{role}_EMAIL": f"{name.lower()}@example.com" for role in ("AUTHOR", "COMMITTER")}
    variables["GIT_CONFIG_COUNT"] = str(len(settings))
    for number, (key, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key.replace("_", "."), f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def keep(clone: Path, *more: str) -> Result:
    return call_script(clone, "promote", "main", "dev", "-p", "stock", "--plan", "-o", "plan.json", *more)


def approve(clone: Path, name: str = "Bob", **settings: str) -> None:
    result = call_script(clone, "promote", "approve", "plan.json", "--json", **person(name, **settings))
    assert result.exit_code == 0, result.stderr
    assert result.document["approved"]["by"] == f"{name} Example <{name.lower()}@example.com>"


def count(clone: Path, *more: str, promoter: str = "Ada") -> tuple[list[str], list[str]]:
    """Return whose approvals count for a promotion, and what refuses it."""
    arguments = ("main", "dev", "-p", "stock", "--plan", "--json", *more)
    result = call_script(clone, "promote", *arguments, **person(promoter))
    plan = result.document["plan"]
    return plan["approvals"]["by"], [refusal["code"] for refusal in plan["refusals"]]


def ask(clone: Path, **keys: Any) -> Path:
    write_policy(clone, "dev", **keys)
    push(clone)
    keep(clone)
    return clone


@situation("promoted_to_dev")
def waiting(clone: Path) -> None:
    """Dev asks for one approval; Ada has kept the plan that brings a newer stock there."""
    write(clone, {STOCK: "newer = 1\n", ".gitignore": "*.json\n"})
    ask(clone, approvals=1)


def test_a_promotion_waits_for_another_to_agree(waiting: Path) -> None:
    error = refused(waiting, "promote", "apply", "plan.json")
    assert (error["code"], error["exit_code"]) == ("not-approved", 4)
    assert error["message"] == "dev requires approvals by others: 0 of 1"
    assert "have somebody else type scripts/promote.py approve plan.json" in error["fix"]
    assert "Approvals      0 of 1\n" in keep(waiting).stdout


def test_an_approved_plan_is_released_and_says_who_agreed(waiting: Path) -> None:
    approve(waiting)
    shown = call_script(waiting, "promote", "apply", "plan.json")
    assert (shown.exit_code, f"Approvals      1 of 1: {BOB}\n" in shown.stdout) == (0, True)
    assert record(waiting, "dev")["approved_by"] == [BOB]
    trailer = ("log", "-1", "--format=%(trailers:key=Approved-By,valueonly)", "env/dev")
    assert git(remote_of(waiting), *trailer) == BOB
    assert call_script(waiting, "verify", "dev").exit_code == 0


def test_an_approval_is_one_commit_that_says_what_it_is_for(waiting: Path) -> None:
    released = head(waiting, "env/dev")
    result = call_script(waiting, "promote", "approve", "plan.json", **person("Bob"))
    assert "stock" in result.stdout, "who agrees reads what it is"
    assert result.stdout.endswith(f"Approved dev 2 as {BOB}; it counts when somebody else promotes\n")
    plan = json.loads((waiting / "plan.json").read_text())["plan"]["approvals"]["plan"]
    log = git(remote_of(waiting), "log", "--format=%an: %B", "evidence/dev")
    assert log == f"Bob Example: Approve release 2 of dev: stock\n\nApproved-Plan: {plan}"
    assert head(waiting, "env/dev") == released


def test_an_approval_counts_wherever_the_same_plan_is_made(waiting: Path) -> None:
    approve(waiting)
    write(waiting, {"README.md": "newer\n", f"{PROJECT}/data_loaders/load_orders.py": "newer = 1\n"})
    push(waiting)
    assert count(waiting) == ([BOB], [])


def newer_stock(clone: Path) -> None:
    write(clone, {STOCK: "newer = 2\n"})
    push(clone)


def newer_release(clone: Path) -> None:
    write(clone, {f"{PROJECT}/data_loaders/load_orders.py": "newer = 1\n"})
    push(clone)
    promote(clone, "main", "dev", "-p", "orders", "--emergency", "approvals", "--reason", "x")


@pytest.mark.parametrize("change", [newer_stock, newer_release])
def test_an_approval_of_another_plan_does_not_count(waiting: Path, change: Any) -> None:
    approve(waiting)
    change(waiting)
    assert count(waiting) == ([], ["not-approved"])
    assert refused(waiting, "promote", "approve", "plan.json")["code"] == "stale-plan"


@pytest.mark.parametrize("option", [("--emergency", "freeze"), ("--release-hold",), ("--verify-dependants",)])
def test_who_agrees_to_a_plan_agrees_to_nothing_that_is_skipped_besides(
    waiting: Path, option: tuple[str, ...]
) -> None:
    approve(waiting)
    assert count(waiting, *option, "--reason", "x") == ([], ["not-approved"])


def test_ones_own_approval_does_not_count(waiting: Path) -> None:
    approve(waiting, "Ada")
    assert count(waiting) == ([], ["not-approved"])


def test_one_identity_counts_once(waiting: Path) -> None:
    ask(waiting, approvals=2)
    approve(waiting)
    before = head(waiting, "evidence/dev")
    result = call_script(waiting, "promote", "approve", "plan.json", **person("Bob"))
    assert (result.exit_code, f"Nothing to do: {BOB} approved this already" in result.stdout) == (0, True)
    assert (head(waiting, "evidence/dev"), count(waiting)) == (before, ([BOB], ["not-approved"]))
    approve(waiting, "Eve")
    assert count(waiting) == ([BOB, EVE], [])


@pytest.mark.parametrize("key", ["approvers", "promoters"])
def test_only_those_who_are_listed_approve(waiting: Path, key: str) -> None:
    ask(waiting, **{key: ["eve@example.com", "ada@example.com"]})
    error = refused(waiting, "promote", "approve", "plan.json", **person("Bob"))
    assert (error["code"], error["exit_code"]) == ("not-an-approver", 4)
    assert "eve@example.com" in error["message"]
    approve(waiting, "Eve")
    assert count(waiting) == ([EVE], [])


def test_who_approves_need_not_promote(waiting: Path) -> None:
    ask(waiting, approvers=["bob@example.com"], promoters=["ada@example.com"])
    approve(waiting)
    assert count(waiting) == ([BOB], [])


def entry(clone: Path, by: str) -> dict[str, Any]:
    plan = json.loads((clone / "plan.json").read_text())["plan"]["approvals"]["plan"]
    return {"plan": plan, "release": 2, "by": by, "at": "2026-01-01T00:00:00+00:00"}


def entries(clone: Path) -> list[dict[str, Any]]:
    record = yaml.safe_load(git(remote_of(clone), "show", "evidence/dev:evidence.yaml"))
    found: list[dict[str, Any]] = record["approvals"]
    return found


def write_entries(clone: Path, approvals: list[Mapping[str, Any]]) -> None:
    """Write approvals to the branch by hand, as Ada."""
    kept = yaml.safe_load(git(remote_of(clone), "show", "evidence/dev:evidence.yaml"))
    edit_branch(clone, "evidence/dev", {"evidence.yaml": yaml.safe_dump(kept | {"approvals": approvals})})


def test_an_entry_that_names_another_than_its_author_does_not_count(waiting: Path) -> None:
    approve(waiting, "Ada")
    write_entries(waiting, [entry(waiting, ADA), entry(waiting, BOB)])
    assert count(waiting) == ([], ["not-approved"])


def test_an_entry_of_somebody_who_may_not_approve_does_not_count(waiting: Path) -> None:
    ask(waiting, approvers=["eve@example.com"], approvals=2)
    approve(waiting, "Eve")
    write_entries(waiting, [*entries(waiting), entry(waiting, ADA)])
    assert count(waiting, promoter="Bob") == ([EVE], ["not-approved"])


def test_an_entry_that_was_renamed_or_brought_back_by_another_does_not_count(waiting: Path) -> None:
    approve(waiting)
    (by_bob,) = entries(waiting)
    write_entries(waiting, [by_bob | {"by": EVE}])
    assert count(waiting) == ([], ["not-approved"])
    write_entries(waiting, [])
    write_entries(waiting, [by_bob])
    assert count(waiting) == ([], ["not-approved"])


def test_what_else_is_proven_keeps_approvals_and_their_authors(waiting: Path) -> None:
    approve(waiting)
    ratified = {"release": 1, "by": ADA, "at": "2026-01-01T00:00:00+00:00", "reason": "x"}
    kept = yaml.safe_load(git(remote_of(waiting), "show", "evidence/dev:evidence.yaml"))
    edit_branch(waiting, "evidence/dev", {"evidence.yaml": yaml.safe_dump(kept | {"ratified": [ratified]})})
    assert count(waiting) == ([BOB], [])


# Signatures


@pytest.fixture
def keys(waiting: Path) -> dict[str, dict[str, str]]:
    """Ada and Bob have keys that everybody knows, Eve has one that nobody knows."""
    folder, known, settings = waiting.parent, [], {}
    for name in ("ada", "bob", "eve"):
        key = folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        known.append(f"{name}@example.com {key.with_suffix('.pub').read_text()}")
        settings[name] = {"commit_gpgsign": "true", "user_signingkey": f"{key}.pub"}
    (folder / "signers").write_text("".join(known[:2]))
    git(waiting, "config", "gpg.format", "ssh")
    git(waiting, "config", "gpg.ssh.allowedSignersFile", str(folder / "signers"))
    git(waiting, "config", "commit.gpgsign", "true")
    git(waiting, "config", "user.signingkey", f"{folder / 'ada'}.pub")
    ask(waiting, signed=True)
    return settings


@pytest.mark.parametrize(
    ("name", "key", "counts"),
    [("Bob", "bob", True), ("Bob", "ada", False), ("Bob", "eve", False), ("Eve", "eve", False)],
)
def test_where_releases_are_signed_an_approval_is_signed_by_who_gives_it(
    waiting: Path, keys: dict[str, dict[str, str]], name: str, key: str, counts: bool
) -> None:
    approve(waiting, name, **keys[key])
    assert count(waiting) == (([BOB], []) if counts else ([], ["not-approved"]))


def test_who_does_not_sign_approves_nothing(waiting: Path, keys: dict[str, dict[str, str]]) -> None:
    bob = person("Bob", commit_gpgsign="false")
    assert refused(waiting, "promote", "approve", "plan.json", **bob)["code"] == "not-signing"


def test_an_audit_knows_who_signed_a_release_that_he_approved_himself(
    waiting: Path, keys: dict[str, dict[str, str]]
) -> None:
    approve(waiting, "Bob", **keys["bob"])
    as_ada = person("Ada", **keys["bob"])
    assert call_script(waiting, "promote", "apply", "plan.json", **as_ada).exit_code == 0
    (finding,) = call_script(waiting, "verify", "dev", "--json").document["error"]["findings"]
    assert (finding["code"], finding["problem"]) == (
        "unapproved-release",
        "0 of 1 approvals by others are recorded",
    )


# What needs none


def test_a_rollback_waits_for_nobody(waiting: Path) -> None:
    approve(waiting)
    call_script(waiting, "promote", "apply", "plan.json")
    result = call_script(waiting, "rollback", "dev", "--yes", "--reason", "x")
    assert (result.exit_code, "Approvals" in result.stdout) == (0, False)
    assert call_script(waiting, "verify", "dev").exit_code == 0


def test_an_emergency_does_without_and_says_so(waiting: Path) -> None:
    promote(waiting, "main", "dev", "-p", "stock", "--emergency", "approvals", "--reason", "INC-7")
    assert record(waiting, "dev")["emergency"]["skipped"] == ["approvals"]
    assert "skipped approvals" in call_script(waiting, "status", "dev").stdout
    assert call_script(waiting, "verify", "dev").exit_code == 0


def test_an_environment_that_asks_for_none_refuses_them(waiting: Path) -> None:
    ask(waiting, approvals=0)
    error = refused(waiting, "promote", "approve", "plan.json", **person("Bob"))
    assert (error["code"], error["exit_code"]) == ("no-approvals", 64)
    assert "Approvals" not in keep(waiting).stdout


def test_nothing_to_do_needs_no_approval(promoted_to_dev: Path) -> None:
    promote(ask(promoted_to_dev, approvals=1), "main", "dev", "--emergency", "approvals", "--reason", "x")
    assert refusal_codes(promoted_to_dev, "main", "dev") == []


def test_what_more_than_people_and_time_refuses_is_not_kept(waiting: Path) -> None:
    (waiting / "plan.json").unlink()
    write_policy(waiting, "dev", holds=[{"reason": "audit"}])
    push(waiting)
    kept = keep(waiting)
    assert (kept.exit_code, (waiting / "plan.json").exists()) == (4, False)
    assert "plan.json was not written" in kept.stderr


def test_a_record_from_before_there_were_approvals_is_read(promoted_to_dev: Path) -> None:
    overlay = yaml.safe_load(released_text(promoted_to_dev, "dev", "release.yaml"))
    del overlay["release"]["approved_by"]
    overlay["release"]["format_version"] = "1.1"
    assert Release.from_yaml(yaml.safe_dump(overlay), "").approved_by == ()
