"""Secrets in clear: refused, and the text of the secret is repeated nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import (
    IO_CONFIG,
    PROJECT,
    SECRET,
    metadata_of,
    only,
    places,
    schedule,
    static_findings,
    values,
)

ORDERS = metadata_of("orders")
MONEY = f"{PROJECT}/utils/money.py"
PRIVATE_KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n"


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        (f"{PROJECT}/io_config.yaml", f"default:\n  POSTGRES_PASSWORD: {SECRET}\n", 2),
        (f"{PROJECT}/io_config.yaml", f"default: {{POSTGRES_USER: a, POSTGRES_PASSWORD: {SECRET}}}\n", 1),
        (f"{PROJECT}/io_config.yaml", f"default:\n  POSTGRES_PASSWORD:\n    {SECRET}\n", 3),
        (f"{PROJECT}/dbt/shop/profiles.yml", f"shop:\n  outputs: {{dev: {{password: {SECRET}}}}}\n", 2),
        (f"{PROJECT}/dbt/shop/profiles.yml", f"shop:\n  outputs:\n    dev: {{pass: {SECRET}}}\n", 3),
        (
            f"{PROJECT}/io_config.yaml",
            f"default:\n  POSTGRES_PASSWORD: \"{{{{ env_var('WAREHOUSE_PASSWORD', '{SECRET}') }}}}\"\n",
            2,
        ),
        (
            f"{PROJECT}/io_config.yaml",
            f"default:\n  POSTGRES_PASSWORD: \"{{{{ env_var('WAREHOUSE_PASSWORD') }}}}{SECRET}\"\n",
            2,
        ),
        (MONEY, f"URL = 'postgresql://mage:{SECRET}@warehouse/db'\n", 1),
        (MONEY, f"\nPASSWORD = '{SECRET}'\n", 2),
        (MONEY, f"class C:\n    api_token: str = '{SECRET}'\n", 2),
        (MONEY, f"x = dict(\n  password='{SECRET}')\n", 2),
        (ORDERS, f"blocks: []\nvariables:\n  api_token: {SECRET}\n", 3),
        (
            f"{PROJECT}/pipelines/orders/promotion.yaml",
            f"smoke:\n  variables:\n  - db_password: {SECRET}\n",
            3,
        ),
        (f"{PROJECT}/utils/key.pem", PRIVATE_KEY, 1),
        ("charts/mage/values.yaml", f"url: https://mage:{SECRET}@example.com/\n", 1),
    ],
)
def test_a_secret_in_clear_is_refused_and_not_repeated(sources: Path, path: str, text: str, line: int) -> None:
    findings = static_findings(sources, {path: text})
    assert ("secret-in-clear", path, line) in places(findings)
    assert SECRET not in repr(findings)


def test_a_setting_that_is_named_like_a_secret_is_refused_and_not_repeated(sources: Path) -> None:
    path = "environments/dev/values.yaml"
    io = {"settings": {"WAREHOUSE_HOST": "w", "WAREHOUSE_PASSWORD": SECRET}, "secrets": {}}
    finding = only(static_findings(sources, {path: values("dev", io=io)}))
    assert places([finding]) == [("secret-in-clear", path, None)]
    assert SECRET not in repr(finding)


def test_a_secret_in_the_variables_of_a_schedule_is_refused_and_not_repeated(sources: Path) -> None:
    path = "environments/dev/values.yaml"
    nightly = schedule("orders") | {"variables": {"api_token": SECRET, "max_tokens": "100"}}
    finding = only(static_findings(sources, {path: values("dev", schedules={"nightly": nightly})}))
    assert places([finding]) == [("secret-in-clear", path, None)]
    assert "schedules.nightly.variables.api_token" in finding.problem
    assert SECRET not in repr(finding)


@pytest.mark.parametrize(
    "line",
    [
        "PASSWORD = ''",
        "PASSWORD = 'short'",
        "PASSWORD = open('/run/secrets/password').read()",
        "PASSWORD = 'WAREHOUSE_PASSWORD'",
        "x = dict(password='password')",
        "API_KEY = 'zkWlN0PkIKSN0C11CfUHUj84OT5XOJ6tDZ6bDRO2'",
        "tokenizer = 'cl100k_base'",
        "TOKEN_URL = 'https://example.com/token'",
        "EXAMPLE = 'postgresql://user:password@host:port/database'",
    ],
)
def test_code_that_only_speaks_of_a_secret_passes(sources: Path, line: str) -> None:
    assert static_findings(sources, {MONEY: f"def rounded(amount):\n    return amount\n{line}\n"}) == []


@pytest.mark.parametrize(
    "io_config",
    [
        IO_CONFIG + "  {% if env_var('ENV') == 'prod' %}\n  POSTGRES_SCHEMA: a\n  {% endif %}\n",
        IO_CONFIG + "  POSTGRES_SCHEMA: {{ env_var('SCHEMA', 'public') }}\n",
        IO_CONFIG + "  # POSTGRES_PASSWORD: {{ env_var('OLD') }}\n",
        IO_CONFIG + "  AWS_SECRET_ACCESS_KEY: \"{{ env_var('AWS_KEY', '') }}\"\n  API_TOKEN:\n",
    ],
)
def test_an_io_config_that_mage_can_render_passes(sources: Path, io_config: str) -> None:
    assert static_findings(sources, {f"{PROJECT}/io_config.yaml": io_config}) == []
