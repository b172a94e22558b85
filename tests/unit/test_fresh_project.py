"""A project that `mage init` has just made, in the place of the team's: nothing in it is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import PROJECT, call_script, git, only, static_findings, values, write, write_environment

IO_PATH = f"{PROJECT}/io_config.yaml"
BLOCK = f"{PROJECT}/data_loaders/load_titanic.py"
EXPORTS = """
from mage_ai.io.config import ConfigFileLoader
from mage_ai.io.{module} import {client}
{client}.with_config({profile})
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Mage itself makes."""
    folder = tmp_path_factory.mktemp("mage init")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "MAGE_DATA_DIR": str(folder / "data")}
    program = Path(sys.executable).with_name("mage")
    done = subprocess.run(
        [program, "init", PROJECT], cwd=folder, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / PROJECT


@pytest.fixture
def fresh(made: Path, tmp_path: Path) -> Path:
    """A folder with that project and three environments that supply nothing."""
    shutil.copytree(made, tmp_path / PROJECT)
    for name, source in (("dev", "main"), ("staging", "dev"), ("prod", "staging")):
        write_environment(tmp_path, name, source)
        write(tmp_path, {f"environments/{name}/values.yaml": values(name, io={"settings": {}, "secrets": {}})})
    write(tmp_path, {"Dockerfile": "FROM scratch\n", "requirements.txt": ""})
    return tmp_path


def test_nothing_is_found(fresh: Path) -> None:
    assert static_findings(fresh) == []
    git(fresh, "init", "--quiet")
    verified = call_script(fresh, "verify", ".")
    assert (verified.exit_code, verified.stdout) == (0, "OK: 1 pipeline, 3 environments\n"), verified.stderr


def test_nothing_is_found_without_the_optional_files(fresh: Path) -> None:
    for name in ("io_config.yaml", "requirements.txt", "dbt", "utils", "custom", "charts", "scratchpads"):
        path = fresh / PROJECT / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert static_findings(fresh) == []


def uses(client: str, module: str, profile: str = "ConfigFileLoader()") -> str:
    return EXPORTS.format(client=client, module=module, profile=profile)


def told(folder: Path, *extra: str) -> set[tuple[str, str]]:
    """Return, of io_config.yaml, the code of each finding and the key in its line."""
    code = "".join(((folder / BLOCK).read_text(), *extra))
    lines = (folder / IO_PATH).read_text().splitlines()
    findings = static_findings(folder, {BLOCK: code})
    assert {finding.path for finding in findings} <= {IO_PATH}
    return {(finding.code, lines[(finding.line or 0) - 1].split(":")[0].strip()) for finding in findings}


PLACEHOLDERS = [
    ("Airtable", "airtable", ["AIRTABLE_ACCESS_TOKEN"]),
    ("Algolia", "algolia", ["ALGOLIA_APP_ID"]),
    ("BigQuery", "bigquery", ["private_key"]),
    ("Druid", "druid", ["DRUID_HOST"]),
    ("MongoDB", "mongodb", ["MONGODB_CONNECTION_STRING"]),
    ("MSSQL", "mssql", ["MSSQL_HOST"]),
    ("MySQL", "mysql", ["MYSQL_HOST"]),
    ("Pinot", "pinot", ["PINOT_HOST"]),
    ("Snowflake", "snowflake", ["SNOWFLAKE_ACCOUNT"]),
    ("Trino", "trino", []),
    ("Weaviate", "weaviate", ["WEAVIATE_ENDPOINT"]),
    ("DuckDB", "duckdb", []),
]


@pytest.mark.parametrize(("client", "module", "keys"), PLACEHOLDERS)
def test_a_placeholder_that_a_block_reads_is_found(fresh: Path, client: str, module: str, keys: list[str]) -> None:
    assert told(fresh, uses(client, module)) == {("placeholder-in-use", key) for key in keys}


def test_what_a_block_uses_of_the_template_is_demanded(fresh: Path) -> None:
    wanted = {("name-not-supplied", key) for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    wanted |= {("placeholder-in-use", key) for key in ("AWS_REGION", "AWS_SESSION_TOKEN")}
    assert told(fresh, uses("S3", "s3")) == wanted


def test_a_storage_of_somebody_else_may_know_no_regions(fresh: Path) -> None:
    text = (fresh / IO_PATH).read_text().replace("AWS_SESSION_TOKEN", "AWS_ENDPOINT")
    (fresh / IO_PATH).write_text(text)
    assert {code for code, _ in told(fresh, uses("S3", "s3"))} == {"name-not-supplied"}


@pytest.mark.parametrize(
    ("client", "module", "lines"),
    [
        ("BigQuery", "bigquery", "GOOGLE_SERVICE_ACC_KEY: {type: service_account}"),
        ("MongoDB", "mongodb", "MONGODB_CONNECTION_STRING: mongodb://shop"),
        ("Redshift", "redshift", "REDSHIFT_TEMP_CRED_USER: shop\n  REDSHIFT_HOST: shop.example.com"),
        (
            "BackblazeB2",
            "backblaze_b2",
            "B2_APPLICATION_KEY_ID: x\n  B2_APPLICATION_KEY: y",
        ),
    ],
)
def test_what_the_client_does_not_read_beside_another_key_is_none(
    fresh: Path, client: str, module: str, lines: str
) -> None:
    mine = {line.split(":")[0].strip() for line in lines.splitlines()} | {"REDSHIFT_CLUSTER_ID"}
    kept, skips = [], False
    for line in (fresh / IO_PATH).read_text().splitlines():
        skips = line.split(":")[0].strip() in mine or (skips and line.startswith("    "))
        kept += [] if skips else [line]
    (fresh / IO_PATH).write_text("\n".join([*kept, f"  {lines}", ""]))
    assert told(fresh, uses(client, module)) == set()


def test_of_an_unknown_client_the_template_s_lines_demand_nothing(fresh: Path) -> None:
    assert (
        told(fresh, "\nfrom mage_ai.io.config import ConfigFileLoader\nshop.connect(ConfigFileLoader())\n")
        == set()
    )


def test_a_profile_that_the_template_lacks_is_found(fresh: Path) -> None:
    code = (fresh / BLOCK).read_text() + uses("S3", "s3", "ConfigFileLoader(None, 'lake')")
    assert only(static_findings(fresh, {BLOCK: code})).code == "profile-missing"
