"""What the gates that run Mage say of a composed tree, through the command that asks them."""

from __future__ import annotations

from pathlib import Path

import pytest

import helpers
import stock
from helpers import block, promote, push, record, run_script, write, write_pipeline
from runtime.postgres import Server
from stock import APPENDING, LOADER, PROMOTION, VALUES, values


@pytest.fixture
def clone(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one sound pipeline on main, whose dev asks for every gate."""
    monkeypatch.setenv("LOCAL_POSTGRES_URL", server.url())
    return stock.make_clone(tmp_path / "a team's work")


def refused(clone: Path) -> str:
    """Promote to dev, which a gate must refuse and which leaves no release; return the code and the findings."""
    before = helpers.remote_refs(clone)
    result = run_script(clone, "promote", "main", "dev", "--yes", "--json")
    assert result.exit_code == 3, result.stderr
    assert helpers.remote_refs(clone) == before
    error = result.document["error"]
    return f"{error['code']}: " + "; ".join(
        f"{finding['problem']}; {finding['fix']} [{finding['code']}]" for finding in error["findings"]
    )


def test_a_release_records_what_proved_each_pipeline(clone: Path) -> None:
    promote(clone, "main", "dev")
    evidence = record(clone, "dev")["gates"]["smoke"]["stock"]
    assert (evidence["kind"], evidence["release"], evidence["runs"]) == ("local", 1, 2)


def test_what_is_proven_is_not_run_again(clone: Path) -> None:
    promote(clone, "main", "dev")
    write(clone, {VALUES: values() + "web: {}\n"})
    push(clone)
    second = promote(clone, "main", "dev")
    assert "two runs" not in second.stderr
    assert record(clone, "dev")["gates"]["smoke"]["stock"]["release"] == 1


def test_another_connection_has_to_be_proven_anew(clone: Path) -> None:
    promote(clone, "main", "dev")
    write(clone, {VALUES: values(WAREHOUSE_HOST="other")})
    push(clone)
    promote(clone, "main", "dev")
    assert record(clone, "dev")["gates"]["smoke"]["stock"]["release"] == 2


def test_a_failing_assertion_stops_the_release_and_names_block_and_reason(clone: Path) -> None:
    write(clone, {"mage_project/data_loaders/load_stock.py": LOADER.format(stock=-1)})
    push(clone)
    findings = refused(clone)
    assert findings.startswith("smoke-failed: block load_stock")
    assert "negative stock" in findings
    assert "--block load_stock" in findings
    assert findings.endswith("[block-failed]")


def test_a_table_that_a_second_run_changes_stops_the_release(clone: Path) -> None:
    write(clone, {"mage_project/data_exporters/save.sql": APPENDING})
    push(clone)
    findings = refused(clone)
    assert findings.startswith("smoke-not-repeatable")
    assert "1 rows, then 2; " in findings
    assert findings.endswith("[not-repeatable]")


def test_a_column_that_changes_has_to_be_declared(clone: Path) -> None:
    write(clone, {PROMOTION: "smoke: {volatile: []}\n"})
    push(clone)
    findings = refused(clone)
    assert findings.startswith("smoke-not-repeatable")


@pytest.mark.parametrize(
    ("gates", "code", "found"),
    [("[static]", "static-gate", "mage-cannot-load"), ("[static, smoke]", "smoke-failed", "run-failed")],
)
def test_what_mage_itself_cannot_load_stops_the_release(clone: Path, gates: str, code: str, found: str) -> None:
    write(clone, {"environments/dev/policy.yaml": f"source: main\ngates: {gates}\n"})
    twice = [block("load_stock", "data_loader"), block("load_stock", "data_loader")]
    write_pipeline(clone, "stock", twice)
    push(clone)
    findings = refused(clone)
    assert findings.startswith(code)
    assert "InvalidPipelineError" in findings
    assert f"[{found}]" in findings


def test_a_server_that_cannot_be_reached_is_no_verdict(clone: Path) -> None:
    result = run_script(
        clone,
        "promote",
        "main",
        "dev",
        "--yes",
        LOCAL_POSTGRES_URL="postgresql://nobody:wrong-password@127.0.0.1:9/",
    )
    assert result.exit_code == 6
    assert "wrong-password" not in result.stdout + result.stderr
    assert "env/dev" not in helpers.remote_refs(clone)


def prove(clone: Path, *options: str) -> helpers.Result:
    """Prove what a promotion to dev would release."""
    result = helpers.call_script(clone, "smoke", "main", "dev", *options)
    assert result.exit_code == 0, result.stderr
    return result


def test_a_proof_releases_nothing(clone: Path) -> None:
    prove(clone)
    assert "env/dev" not in helpers.remote_refs(clone)


def test_a_promotion_reuses_the_proof_that_was_made_before_it(clone: Path) -> None:
    prove(clone)
    assert "two runs" not in promote(clone, "main", "dev").stderr
    assert record(clone, "dev")["gates"]["smoke"]["stock"]["kind"] == "local"


def test_a_release_says_who_had_it_proven(clone: Path) -> None:
    prove(clone)
    promote(clone, "main", "dev")
    assert record(clone, "dev")["gates"]["smoke"]["stock"]["by"] == "Ada Example <ada@example.com>"


def test_what_is_proven_is_not_proven_again(clone: Path) -> None:
    prove(clone)
    assert "proven before" in prove(clone).stdout


def test_a_proof_of_what_changed_since_does_not_count(clone: Path) -> None:
    prove(clone)
    write(clone, {"mage_project/data_loaders/load_stock.py": LOADER.format(stock=-1)})
    push(clone)
    assert refused(clone).startswith("smoke-failed")


def test_a_failed_proof_leaves_nothing(clone: Path) -> None:
    write(clone, {"mage_project/data_loaders/load_stock.py": LOADER.format(stock=-1)})
    push(clone)
    before = helpers.remote_refs(clone)
    result = run_script(clone, "smoke", "main", "dev")
    assert (result.exit_code, helpers.remote_refs(clone)) == (3, before)


def test_the_kind_that_is_asked_for_on_the_command_line_wins(clone: Path) -> None:
    write(clone, {"environments/dev/policy.yaml": "source: main\ngates: [static, smoke]\nsmoke: kind\n"})
    push(clone)
    assert "proven now, local" in prove(clone, "--on", "local").stdout


@pytest.mark.parametrize("gates", ["[static]", "[static, smoke]"])
def test_a_mage_that_does_not_start_is_no_verdict(clone: Path, gates: str) -> None:
    write(clone, {"environments/dev/policy.yaml": f"source: main\ngates: {gates}\n"})
    write(clone, {"packages/pandas/__init__.py": "raise RuntimeError('not the one that Mage needs')\n"})
    push(clone)
    error = run_script(clone, "promote", "main", "dev", "--yes", "--json").document["error"]
    assert (error["code"], error["exit_code"]) == ("mage-could-not-run", 6)
    assert "env/dev" not in helpers.remote_refs(clone)


def test_a_project_without_io_config_is_proven(clone: Path) -> None:
    (clone / "mage_project/io_config.yaml").unlink()
    write(clone, {"mage_project/custom/quiet.py": "@custom\ndef quiet(*args, **kwargs):\n    return 1\n"})
    write_pipeline(clone, "stock", [block("quiet", "custom")])
    push(clone)
    assert "stock" in prove(clone).stdout
