"""A project's io profiles are pointed at local databases through the names that they read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from helpers import EXAMPLE
from runtime.binding import BindingError, bind_locally
from runtime.postgres import Server

SERVER = Server("127.0.0.1", 5555, "me", "s3cret")
IO_CONFIG = """\
default:
  POSTGRES_DBNAME: "{{ env_var('WH_DB') }}"
  POSTGRES_HOST: "{{ env_var('WH_HOST') }}"
  POSTGRES_PASSWORD: {{ env_var('WH_PASSWORD') | tojson }}
  POSTGRES_PORT: "{{ env_var('WH_PORT') }}"
  POSTGRES_USER: "{{ env_var('WH_USER') }}"
"""


def bind(io_config: str = IO_CONFIG, opened: Collection[str] = ("default", "source")) -> dict[str, str]:
    settings = {"WH_HOST": "warehouse.example.com", "S3_BUCKET": "lake"}
    return bind_locally(io_config, opened, settings, ["WH_PASSWORD", "API_TOKEN"], SERVER, "wh")


def test_a_bound_profile_reads_the_local_server() -> None:
    bound = bind()
    assert {name: bound[name] for name in ("WH_HOST", "WH_PORT", "WH_USER", "WH_PASSWORD", "WH_DB")} == {
        "WH_HOST": "127.0.0.1",
        "WH_PORT": "5555",
        "WH_USER": "me",
        "WH_PASSWORD": "s3cret",
        "WH_DB": "wh",
    }


def test_other_settings_stay_as_they_are() -> None:
    assert bind()["S3_BUCKET"] == "lake"


def test_other_names_that_only_the_cluster_knows_get_a_placeholder() -> None:
    assert bind()["API_TOKEN"] == "not-set-on-this-machine"


def test_the_profile_source_reads_the_source_data() -> None:
    bound = bind(IO_CONFIG + IO_CONFIG.replace("default:", "source:").replace("WH_", "SRC_"))
    assert (bound["WH_DB"], bound["SRC_DB"]) == ("wh", "source")


def test_a_profile_of_another_kind_of_database_stays_as_it_is() -> None:
    bound = bind("default:\n  S3_BUCKET: \"{{ env_var('S3_BUCKET') }}\"\n")
    assert bound["WH_HOST"] == "warehouse.example.com"


def test_a_key_that_is_not_read_from_the_environment_is_named() -> None:
    with pytest.raises(BindingError, match="profile default: POSTGRES_PORT is not read from the environment"):
        bind(IO_CONFIG.replace("\"{{ env_var('WH_PORT') }}\"", "5432"))


def test_a_profile_that_nobody_opens_stays_as_it_is() -> None:
    template = "default:\n  POSTGRES_HOST: hostname\n  POSTGRES_PORT: 5432\n"
    assert bind(template, opened=[])["WH_HOST"] == "warehouse.example.com"
    assert bind(IO_CONFIG + template.replace("default", "lake"), opened=["default"])["WH_DB"] == "wh"


def test_a_profile_that_nobody_is_seen_to_open_is_bound_where_that_is_possible() -> None:
    assert bind(opened=[])["WH_HOST"] == "127.0.0.1"


def test_two_profiles_with_the_same_name_for_two_databases_are_refused() -> None:
    with pytest.raises(BindingError, match="WH_DB"):
        bind(IO_CONFIG + IO_CONFIG.replace("default:", "source:"))


def test_the_project_takes_a_password_of_any_characters(tmp_path: Path) -> None:
    password = """p@ss:w/rd%41#?&=+ "x'$(id)\\é<b>{{ 1 }}"""
    io_config = EXAMPLE / "mage_project" / "io_config.yaml"
    script = f"""
from mage_ai.io.config import ConfigFileLoader
for profile in ("default", "source"):
    assert ConfigFileLoader({str(io_config)!r}, profile)["POSTGRES_PASSWORD"] == {password!r}
"""
    passwords = {"WAREHOUSE_PASSWORD": password, "SOURCE_PASSWORD": password}
    environment = os.environ | passwords | {"MAGE_DATA_DIR": str(tmp_path), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-P", "-c", script], env=environment, cwd=tmp_path, check=True)
