"""A pipeline with dbt blocks needs dbt and the adapter of its database in the image."""

from __future__ import annotations

from pathlib import Path

import pytest

from basics.errors import Finding
from helpers import PROJECT, ROOT, block, only, places, static_findings, write_pipeline

LOCK = (ROOT / "requirements.txt").read_text()
SHOP = f"{PROJECT}/dbt/shop"
DBT_PROJECT, PROFILES = f"{SHOP}/dbt_project.yml", f"{SHOP}/profiles.yml"
PROFILE = """\
shop:
  target: dev
  outputs:
    dev: {type: postgres, host: "{{ env_var('WAREHOUSE_HOST') }}"}
"""
FILES = {
    f"{SHOP}/models/orders.sql": "select 1\n",
    DBT_PROJECT: "name: shop\nprofile: shop\n",
    PROFILES: PROFILE,
    "requirements.txt": LOCK,
}


def found(sources: Path, **files: str) -> list[Finding]:
    for name in ("stock", "orders"):
        entry = block("orders", "dbt", language="sql", configuration={"file_path": "dbt/shop/models/orders.sql"})
        write_pipeline(sources, name, [entry])
    return [each for each in static_findings(sources, FILES | files) if each.code.startswith("package")]


def test_the_missing_adapter_is_named_once_with_mages_version(sources: Path) -> None:
    finding = only(found(sources))
    assert places([finding]) == [("package-missing", DBT_PROJECT, None)]
    assert "needs dbt-core and dbt-postgres" in finding.problem
    assert "add dbt-core==1.10.20 and dbt-postgres==1.10.0 to mage_project/requirements.txt" in finding.fix


def test_an_adapter_that_the_lock_has_is_not_missed(sources: Path) -> None:
    lock = f"{LOCK}dbt-core==1.10.20\ndbt-postgres==1.10.0\n"
    assert found(sources, **{"requirements.txt": lock}) == []


@pytest.mark.parametrize(
    ("profiles", "needed"),
    [
        ("other: {}\n", "dbt-core,"),
        ("shop: {target: \"{{ env_var('X') }}\", outputs: {dev: {type: postgres}}}\n", "dbt-core,"),
        ("shop: {target: dev, outputs: {dev: {type: \"{{ env_var('X') }}\"}}}\n", "dbt-core,"),
        ("shop: {target: b, outputs: {a: {type: duckdb}, b: {type: snowflake}}}\n", "dbt-core and dbt-snowflake,"),
    ],
)
def test_only_an_adapter_that_is_certain_is_named(sources: Path, profiles: str, needed: str) -> None:
    finding = only(found(sources, **{PROFILES: profiles}))
    assert f"needs {needed}" in finding.problem
