"""What the gates that run Mage say of a composed tree, through the command that asks them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import helpers
from helpers import WHOLE_IO_CONFIG, block, promote, push, record, run_script, write, write_pipeline
from runtime.postgres import Server

PROMOTION = "mage_project/pipelines/stock/promotion.yaml"
LOADER = """\
from pandas import DataFrame

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@data_loader
def load(*args, **kwargs):
    return DataFrame({{'item': ['apple', 'pear'], 'stock': [{stock}, 7]}})


@test
def test_stock_is_not_negative(items, *args):
    assert (items['stock'] >= 0).all(), 'negative stock'
"""
EXPORTER = """\
create table if not exists public.stock (item text, stock bigint, written_at timestamptz);
{before}
insert into public.stock values ('apple', 3, clock_timestamp());
"""
UPSERTING = EXPORTER.format(before="delete from public.stock;")
APPENDING = EXPORTER.format(before="")
SETTINGS = {"WAREHOUSE_HOST": "db", "WAREHOUSE_PORT": "5432", "WAREHOUSE_DATABASE": "w", "WAREHOUSE_USER": "mage"}
SECRETS = {"WAREHOUSE_PASSWORD": {"name": "warehouse", "key": "password"}}
SQL = {"data_provider": "postgres", "data_provider_profile": "default", "use_raw_sql": True}


@pytest.fixture
def clone(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one sound pipeline on main, whose dev asks for every gate."""
    monkeypatch.setenv("LOCAL_POSTGRES_URL", server.url())
    clone = helpers.make_clone(tmp_path / "a team's work")
    for name in ("orders", "returns"):
        shutil.rmtree(clone / "mage_project/pipelines" / name)
    write_pipeline(
        clone,
        "stock",
        [
            block("load_stock", "data_loader"),
            block("save", "data_exporter", ["load_stock"], language="sql", configuration=SQL),
        ],
    )
    write(
        clone,
        {
            "mage_project/io_config.yaml": WHOLE_IO_CONFIG,
            "mage_project/data_loaders/load_stock.py": LOADER.format(stock=3),
            "mage_project/data_exporters/save.sql": UPSERTING,
            PROMOTION: "smoke: {volatile: [public.stock.written_at]}\n",
            "environments/dev/values.yaml": helpers.values("dev", io={"settings": SETTINGS, "secrets": SECRETS}),
        },
    )
    helpers.write_environment_gates(clone, "dev", ["static", "smoke"])
    push(clone)
    return clone


def refused(clone: Path) -> str:
    """Promote to dev, which a gate must refuse and which leaves no release; return the code and its findings."""
    before = helpers.remote_refs(clone)
    result = run_script(clone, "promote", "main", "dev", "--yes", "--json")
    assert result.exit_code == 3, result.stderr
    assert helpers.remote_refs(clone) == before
    error = result.document["error"]
    return f"{error['code']}: " + "; ".join(finding["problem"] for finding in error["findings"])


def test_a_release_records_what_proved_each_pipeline(clone: Path) -> None:
    promote(clone, "main", "dev")
    evidence = record(clone, "dev")["gates"]["smoke"]["stock"]
    assert (evidence["kind"], evidence["release"], evidence["runs"]) == ("local", 1, 2)


def test_what_is_proven_is_not_run_again(clone: Path) -> None:
    promote(clone, "main", "dev")
    write(
        clone, {"environments/dev/values.yaml": (clone / "environments/dev/values.yaml").read_text() + "web: {}\n"}
    )
    push(clone)
    second = promote(clone, "main", "dev")
    assert "two runs" not in second.stderr
    assert record(clone, "dev")["gates"]["smoke"]["stock"]["release"] == 1


def test_another_connection_has_to_be_proven_anew(clone: Path) -> None:
    promote(clone, "main", "dev")
    io = {"settings": SETTINGS | {"WAREHOUSE_HOST": "other"}, "secrets": SECRETS}
    write(clone, {"environments/dev/values.yaml": helpers.values("dev", io=io)})
    push(clone)
    promote(clone, "main", "dev")
    assert record(clone, "dev")["gates"]["smoke"]["stock"]["release"] == 2


def test_a_failing_assertion_stops_the_release_and_names_block_and_reason(clone: Path) -> None:
    write(clone, {"mage_project/data_loaders/load_stock.py": LOADER.format(stock=-1)})
    push(clone)
    findings = refused(clone)
    assert findings.startswith("smoke-failed: block load_stock")
    assert "negative stock" in findings


def test_a_table_that_a_second_run_changes_stops_the_release(clone: Path) -> None:
    write(clone, {"mage_project/data_exporters/save.sql": APPENDING})
    push(clone)
    findings = refused(clone)
    assert findings.startswith("smoke-not-repeatable")
    assert "1 rows, then 2" in findings


def test_a_column_that_changes_has_to_be_declared(clone: Path) -> None:
    write(clone, {PROMOTION: "smoke: {volatile: []}\n"})
    push(clone)
    findings = refused(clone)
    assert findings.startswith("smoke-not-repeatable")


@pytest.mark.parametrize(("gates", "code"), [("[static]", "static-gate"), ("[static, smoke]", "smoke-failed")])
def test_what_mage_itself_cannot_load_stops_the_release(clone: Path, gates: str, code: str) -> None:
    write(clone, {"environments/dev/policy.yaml": f"source: main\ngates: {gates}\n"})
    twice = [block("load_stock", "data_loader"), block("load_stock", "data_loader")]
    write_pipeline(clone, "stock", twice)
    push(clone)
    findings = refused(clone)
    assert findings.startswith(code)
    assert "InvalidPipelineError" in findings


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
