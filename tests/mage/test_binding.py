"""A project's io profiles are pointed at local databases through the names that they read."""

from __future__ import annotations

import pytest
from runtime.binding import bind_locally
from runtime.postgres import Server

SERVER = Server("127.0.0.1", 5555, "me", "s3cret")
IO_CONFIG = """\
default:
  POSTGRES_DBNAME: "{{ env_var('WH_DB') }}"
  POSTGRES_HOST: "{{ env_var('WH_HOST') }}"
  POSTGRES_PASSWORD: "{{ env_var('WH_PASSWORD') }}"
  POSTGRES_PORT: "{{ env_var('WH_PORT') }}"
  POSTGRES_USER: "{{ env_var('WH_USER') }}"
"""


def bind(io_config: str = IO_CONFIG, **databases: str) -> dict[str, str]:
    settings = {"WH_HOST": "warehouse.example.com", "S3_BUCKET": "lake"}
    return bind_locally(io_config, settings, ["WH_PASSWORD", "API_TOKEN"], SERVER, databases)


def test_a_bound_profile_reads_the_local_server() -> None:
    bound = bind(default="wh")
    assert {name: bound[name] for name in ("WH_HOST", "WH_PORT", "WH_USER", "WH_PASSWORD", "WH_DB")} == {
        "WH_HOST": "127.0.0.1",
        "WH_PORT": "5555",
        "WH_USER": "me",
        "WH_PASSWORD": "s3cret",
        "WH_DB": "wh",
    }


def test_other_settings_stay_as_they_are() -> None:
    assert bind(default="wh")["S3_BUCKET"] == "lake"


def test_other_secrets_get_a_placeholder() -> None:
    assert bind(default="wh")["API_TOKEN"] == "not-set-on-this-machine"


def test_a_profile_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="no profile source"):
        bind(source="s")


def test_a_key_that_is_not_read_from_the_environment_is_named() -> None:
    with pytest.raises(ValueError, match="profile default: POSTGRES_PORT is not read from the environment"):
        bind(IO_CONFIG.replace("\"{{ env_var('WH_PORT') }}\"", "5432"), default="wh")


def test_two_profiles_with_the_same_name_for_two_databases_are_refused() -> None:
    with pytest.raises(ValueError, match="WH_DB"):
        bind(IO_CONFIG + IO_CONFIG.replace("default:", "source:"), default="wh", source="s")
