"""`scripts/adopt.py`: connections become settings of environments, and secrets names of Secrets."""

from __future__ import annotations

import subprocess
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import PROJECT, SECRET, run_script, write
from unit.adoption import PIPELINE, adopt, content, plan_of

IO_CONFIG = """\
version: 0.1.1
default:
  # Ours
  POSTGRES_DBNAME: shop
  POSTGRES_HOST: "db.internal"   # the old one
  POSTGRES_PORT: 5432
  POSTGRES_USER: {{ env_var('SHOP_USER') }}
  POSTGRES_PASSWORD: Tr0ub4dor&3
  MYSQL_HOST: host
  MYSQL_PASSWORD: password
lake:
  AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzABCKEY11
  AWS_REGION: eu-central-1
"""
SQL = {"data_provider": "postgres", "data_provider_profile": "default", "use_raw_sql": True}


@pytest.fixture
def connected(theirs: Path) -> Path:
    """A project with connections written into it, of which it uses one."""
    blocks = [{"uuid": "load", "type": "data_loader", "language": "sql", "configuration": SQL}]
    write(
        theirs,
        {
            "io_config.yaml": IO_CONFIG,
            "data_loaders/load.sql": "select 1\n",
            "pipelines/sales/metadata.yaml": yaml.safe_dump(PIPELINE | {"blocks": blocks}),
        },
    )
    return theirs


def io_of(clone: Path, environment: str) -> dict[str, Any]:
    io: dict[str, Any] = yaml.safe_load(content(clone, f"environments/{environment}/values.yaml"))["io"]
    return io


def everything_stored(clone: Path) -> bytes:
    """Return all objects of git, also those that no commit has."""
    every_object = ["git", "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(every_object, cwd=clone, capture_output=True, check=True).stdout


def test_literal_connections_become_variables(template: Path, connected: Path) -> None:
    adopt(template, connected)
    lines = content(template, f"{PROJECT}/io_config.yaml").splitlines()
    assert lines[:8] == [
        "version: 0.1.1",
        "default:",
        "  # Ours",
        "  POSTGRES_DBNAME: \"{{ env_var('POSTGRES_DBNAME') }}\"",
        "  POSTGRES_HOST: \"{{ env_var('POSTGRES_HOST') }}\"",
        "  POSTGRES_PORT: \"{{ env_var('POSTGRES_PORT') }}\"",
        "  POSTGRES_USER: {{ env_var('SHOP_USER') }}",
        "  POSTGRES_PASSWORD: {{ env_var('POSTGRES_PASSWORD') | tojson }}",
    ]
    assert lines[8:10] == ["  MYSQL_HOST: host", "  MYSQL_PASSWORD: password"]
    assert lines[11] == "  AWS_SECRET_ACCESS_KEY: {{ env_var('LAKE_AWS_SECRET_ACCESS_KEY') | tojson }}"


def test_the_first_environment_has_the_known_values_and_others_wait_for_them(
    template: Path, connected: Path
) -> None:
    adopt(template, connected)
    known = {"POSTGRES_DBNAME": "shop", "POSTGRES_HOST": "db.internal", "POSTGRES_PORT": "5432"}
    assert io_of(template, "dev")["settings"] == known | {"SHOP_USER": "TODO"}
    assert io_of(template, "prod")["settings"] == dict.fromkeys([*known, "SHOP_USER"], "TODO")
    for name in ("dev", "prod"):
        assert io_of(template, name)["secrets"] == {
            "POSTGRES_PASSWORD": {"name": "unit-3", "key": "POSTGRES_PASSWORD"}
        }


def test_what_mage_init_writes_into_io_config_stays_as_it_is(template: Path, theirs: Path) -> None:
    template_of_mage = "mage_ai/data_preparation/templates/repo/io_config.yaml"
    written = Path(str(distribution("mage-ai").locate_file(template_of_mage)))
    write(theirs, {"io_config.yaml": written.read_bytes()})
    assert plan_of(template, theirs)["changes"] == []


def test_what_mage_init_writes_in_place_of_a_host_is_not_known(template: Path, connected: Path) -> None:
    write(connected, {"io_config.yaml": IO_CONFIG.replace('"db.internal"', "hostname")})
    adopt(template, connected)
    assert io_of(template, "dev")["settings"]["POSTGRES_HOST"] == "TODO"


DOTENV = f"""\
# of docker compose
export SHOP_USER='corner shop'  # ours
POSTGRES_HOST=elsewhere
NOBODY_READS_IT=1
POSTGRES_PASSWORD={SECRET}
"""


def test_plain_values_of_dotenv_are_known_in_the_first_environment(template: Path, connected: Path) -> None:
    write(connected, {".env": DOTENV})
    plan = plan_of(template, connected)
    assert ".env" in {each["path"] for each in plan["left"]}
    told = {"path": "environments/dev/values.yaml", "what": "has the values of .env for SHOP_USER"}
    assert told in plan["changes"]
    adopt(template, connected)
    settings = io_of(template, "dev")["settings"]
    assert (settings["SHOP_USER"], settings["POSTGRES_HOST"]) == ("corner shop", "db.internal")
    assert "NOBODY_READS_IT" not in settings
    assert io_of(template, "prod")["settings"]["SHOP_USER"] == "TODO"
    assert SECRET.encode() not in everything_stored(template)


def test_the_dotenv_of_the_project_wins_over_one_around_it(template: Path, connected: Path) -> None:
    write(connected, {".env": "SHOP_USER=own\n"})
    write(connected.parent, {".env": "SHOP_USER=around\n"})
    adopt(template, connected)
    assert io_of(template, "dev")["settings"]["SHOP_USER"] == "own"


@pytest.mark.parametrize(
    "line",
    [
        f"SHOP_LOGIN_PWD={SECRET}",
        f"SHOP_URL=postgres://ada:{SECRET}@db/shop",
        "SHOP_CODE=0b5c1f7e92a34d6c8e0f1a2b3c4d5e6f",
        "SHOP_HOME=$HOME/shop",
        "SHOP_EMPTY=",
        "SHOP_NOTHING",
    ],
)
def test_of_dotenv_what_may_be_a_secret_or_is_no_value_stays(template: Path, connected: Path, line: str) -> None:
    name = line.partition("=")[0]
    write(connected, {"io_config.yaml": IO_CONFIG.replace("SHOP_USER", name), ".env": f"{line}\n"})
    adopt(template, connected)
    assert io_of(template, "dev")["settings"][name] == "TODO"


def test_a_line_of_dotenv_that_is_no_setting_is_passed_over(template: Path, connected: Path) -> None:
    write(connected, {".env": "no setting\n"})
    result = run_script(template, "adopt", str(connected), "--plan")
    assert (result.exit_code, "python-dotenv" in result.stderr) == (2, False)


def test_a_variable_in_small_letters_keeps_its_name(template: Path, connected: Path) -> None:
    write(connected, {"io_config.yaml": IO_CONFIG.replace("SHOP_USER", "shop_user")})
    adopt(template, connected)
    assert "shop_user" in io_of(template, "dev")["settings"]
    findings = plan_of(template, connected)["findings"]
    assert {finding["code"] for finding in findings} == {"value-to-fill-in"}


def test_a_value_that_waits_is_a_finding_with_its_line(template: Path, connected: Path) -> None:
    findings = {each["problem"].split(":")[0]: each for each in plan_of(template, connected)["findings"]}
    user = findings["io.settings.SHOP_USER"]
    assert (user["code"], user["path"]) == ("value-to-fill-in", "environments/dev/values.yaml")
    assert user["environments"] == ["dev", "staging", "prod"]
    assert user["line"]
    assert findings["io.settings.POSTGRES_HOST"]["environments"] == ["staging", "prod"]


def test_a_secret_is_nowhere_in_the_clone(template: Path, connected: Path) -> None:
    result = adopt(template, connected, "--json")
    stored = everything_stored(template)
    assert b"MYSQL_HOST" in stored
    for secret in ("Tr0ub4dor&3", "wJalrXUtnFEMI"):
        assert secret.encode() not in stored
        assert secret not in result.stdout + result.stderr


def test_an_address_with_a_password_is_a_secret(template: Path, connected: Path) -> None:
    address = f"POSTGRES_HOST: mongodb+srv://ada:{SECRET}@cluster0.shop.net/?retryWrites=true"
    write(
        connected, {"io_config.yaml": IO_CONFIG.replace('POSTGRES_HOST: "db.internal"   # the old one', address)}
    )
    adopt(template, connected)
    told = "  POSTGRES_HOST: {{ env_var('POSTGRES_HOST') | tojson }}"
    assert told in content(template, f"{PROJECT}/io_config.yaml").splitlines()
    assert set(io_of(template, "dev")["secrets"]) == {"POSTGRES_HOST", "POSTGRES_PASSWORD"}
    assert "POSTGRES_HOST" not in io_of(template, "dev")["settings"]
    assert SECRET.encode() not in everything_stored(template)


def test_the_command_that_makes_the_secret_is_told_without_its_value(template: Path, connected: Path) -> None:
    told = adopt(template, connected).stdout
    assert "kubectl --namespace mage-prod create secret generic unit-3 --from-literal=POSTGRES_PASSWORD=…" in told


def test_a_secret_of_mages_database_becomes_one_of_the_environment(template: Path, connected: Path) -> None:
    code = "from mage_ai.data_preparation.shared.secrets import get_secret_value\nget_secret_value('api_key')\n"
    blocks = [{"uuid": "ask", "type": "data_loader", "language": "python"}]
    metadata = yaml.safe_dump(PIPELINE | {"blocks": blocks})
    write(connected, {"data_loaders/ask.py": code, "pipelines/sales/metadata.yaml": metadata})
    assert plan_of(template, connected)["secrets_of_mage"] == ["api_key"]
    assert "--from-literal=api_key=…" in adopt(template, connected).stdout


def test_credentials_for_the_secrets_of_a_cloud_are_left_to_a_person(template: Path, connected: Path) -> None:
    text = (connected / "io_config.yaml").read_text()
    (connected / "io_config.yaml").write_text(text.replace("Tr0ub4dor&3", "\"{{ aws_secret_var('shop/db') }}\""))
    adopt(template, connected)
    io = io_of(template, "prod")
    assert io["settings"].items() >= {"AWS_ACCESS_KEY_ID": "TODO", "AWS_DEFAULT_REGION": "TODO"}.items()
    assert io["secrets"].keys() == {"AWS_SECRET_ACCESS_KEY"}
