"""The emergency path: it skips what is named, says so, and stays red until somebody makes it good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import (
    PROJECT,
    call_script,
    git,
    promote,
    push,
    record,
    refused,
    released_text,
    remote_of,
    write,
    write_policy,
)
from promotion.commands.promote import plan_promotion
from promotion.options import Options
from promotion.record.evidence_branch import EvidenceBranch
from promotion.record.release import Evidence, Release
from promotion.repository.git import Repository
from unit.situations import situation

MUSEUM = {"start": "2026-01-01", "end": "2126-01-01", "zone": "UTC", "reason": "museum"}
REASON = "INC-7: <totals> are wrong"


def emergencies(clone: Path) -> list[dict[str, Any]]:
    (dev,) = call_script(clone, "status", "dev", "--json").document["status"]["environments"]
    found: list[dict[str, Any]] = dev["emergencies"]
    return found


def prove_all(clone: Path) -> None:
    """Leave what `smoke.py main dev` leaves when every pipeline is sound."""
    with Repository.find(clone) as repository:
        plan = plan_promotion(repository, "main", "dev", Options())
        proven = {
            name: Evidence(plan.draft.keys[name], "local", 1, 2, 1.0, "Ada <ada@example.com>")
            for name in plan.verdict.due
        }
        EvidenceBranch(repository, "dev").add_evidence(proven)


@situation("project")
def unproven(clone: Path) -> None:
    """Dev asks for smoke tests; its first release skipped them."""
    write_policy(clone, "dev", gates=["smoke"])
    push(clone)
    promote(clone, "main", "dev", "--emergency", "smoke", "--reason", REASON)


@situation("project")
def thawed_by_force(clone: Path) -> None:
    """Dev is frozen for ever; its first release skipped that."""
    write_policy(clone, "dev", freezes=[MUSEUM])
    push(clone)
    promote(clone, "main", "dev", "--emergency", "freeze", "--reason", REASON)


def test_the_release_keeps_what_was_skipped_and_why(unproven: Path) -> None:
    release = record(unproven, "dev")
    assert (release["emergency"]["skipped"], release["reason"]) == (["smoke"], REASON)
    assert set(release["emergency"]["unproven"]) == {"orders", "returns", "stock"}
    assert release["gates"] == {"passed": [], "smoke": {}}
    trailers = git(
        remote_of(unproven), "log", "-1", "--format=%(trailers:key=Promotion-Skipped,valueonly)", "env/dev"
    )
    assert trailers.strip() == "smoke"


def test_only_what_stood_in_the_way_counts_as_skipped(thawed_by_force: Path) -> None:
    write(thawed_by_force, {f"{PROJECT}/utils/money.py": "def rounded(amount):\n    return 0\n"})
    push(thawed_by_force)
    promote(thawed_by_force, "main", "dev", "--emergency", "smoke,freeze", "--reason", REASON)
    assert record(thawed_by_force, "dev")["emergency"]["skipped"] == ["freeze"]


def test_what_is_not_named_still_refuses(project: Path) -> None:
    write_policy(project, "dev", gates=["static", "smoke"], freezes=[MUSEUM])
    write(project, {f"{PROJECT}/io_config.yaml": "default: [\n"})
    push(project)
    skipping = ("--emergency", "smoke", "--reason", REASON)
    plan = call_script(project, "promote", "main", "dev", "--plan", "--json", *skipping).document["plan"]
    assert [refusal["code"] for refusal in plan["refusals"]] == ["static-gate", "frozen"]
    assert plan["emergency"]["skipped"] == ["smoke"]
    shown = call_script(project, "promote", "main", "dev", "--plan", *skipping).stdout
    assert "Gates due      static, smoke (smoke, local: skipped)\nEmergency      skips smoke" in shown


@pytest.mark.parametrize("name", ["static", "promoters", "holds", "signed", "smoke,", ""])
def test_what_cannot_be_skipped_is_no_name(project: Path, name: str) -> None:
    error = refused(project, "promote", "main", "dev", "--yes", "--emergency", name, "--reason", REASON)
    assert (error["code"], error["exit_code"]) == ("usage", 64)
    assert "approvals, freeze, runs, smoke, soak" in error["message"]


def test_an_emergency_says_why(project: Path) -> None:
    assert refused(project, "promote", "main", "dev", "--yes", "--emergency", "smoke")["code"] == "no-reason"


def test_status_is_red(unproven: Path) -> None:
    assert [entry["release"] for entry in emergencies(unproven)] == [1]
    page = unproven.parent / "status.html"
    shown = call_script(unproven, "status", "--html", str(page)).stdout
    assert f"EMERGENCY dev release 1 skipped smoke, by Ada Example <ada@example.com>: {REASON}" in shown
    assert "emergency, not ratified" in page.read_text()
    assert "INC-7: &lt;totals&gt;" in page.read_text()


def test_a_ratification_ends_it_and_makes_no_release(thawed_by_force: Path) -> None:
    result = call_script(thawed_by_force, "promote", "ratify", "dev", "--reason", "reviewed")
    assert (result.exit_code, result.stdout) == (0, "Ratified dev 1\n")
    assert emergencies(thawed_by_force) == []
    assert record(thawed_by_force, "dev")["number"] == 1
    log = git(remote_of(thawed_by_force), "log", "--format=%an: %B", "evidence/dev")
    assert log.startswith("Ada Example: Ratify release 1 of dev\n\nreviewed")
    assert (
        call_script(thawed_by_force, "promote", "ratify", "dev", "--reason", "x").stdout == "Nothing to ratify.\n"
    )


def test_a_later_release_does_not_end_it(thawed_by_force: Path) -> None:
    write_policy(thawed_by_force, "dev", freezes=[])
    push(thawed_by_force)
    promote(thawed_by_force, "main", "dev")
    assert [entry["release"] for entry in emergencies(thawed_by_force)] == [1]


def test_the_missing_proof_ends_it_for_good(unproven: Path) -> None:
    prove_all(unproven)
    assert emergencies(unproven) == []
    write(unproven, {f"{PROJECT}/utils/money.py": "def rounded(amount):\n    return 0\n"})
    write(unproven, {f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n"})
    push(unproven)
    prove_all(unproven)  # the newest evidence is for another version now
    assert emergencies(unproven) == []


def test_evidence_keeps_ratifications(thawed_by_force: Path) -> None:
    call_script(thawed_by_force, "promote", "ratify", "dev", "--reason", "reviewed")
    write_policy(thawed_by_force, "dev", gates=["smoke"])
    push(thawed_by_force)
    prove_all(thawed_by_force)
    assert emergencies(thawed_by_force) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["dev"], "no-reason"), (["qa", "--reason", "x"], "unknown-environment"), ([], "usage")],
)
def test_a_ratification_that_is_none(project: Path, arguments: list[str], code: str) -> None:
    assert refused(project, "promote", "ratify", *arguments)["code"] == code


def test_only_promoters_ratify(thawed_by_force: Path) -> None:
    write_policy(thawed_by_force, "dev", promoters=["bob@example.com"])
    push(thawed_by_force)
    assert refused(thawed_by_force, "promote", "ratify", "dev", "--reason", "x")["code"] == "not-a-promoter"


def test_a_record_from_before_there_were_emergencies_is_read(promoted_to_dev: Path) -> None:
    overlay = yaml.safe_load(released_text(promoted_to_dev, "dev", "release.yaml"))
    del overlay["release"]["emergency"]
    overlay["release"]["format_version"] = "1.0"
    assert Release.from_yaml(yaml.safe_dump(overlay), "").emergency is None
