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
BODY = "MIIEpAIBAAKCAQEA2Zx7c9vQk8r1uTnW0sYbJdHfGgPqLmNoEiXaRtUvCwSzK4jM"
PRIVATE_KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n"


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
        (f"{PROJECT}/utils/key.json", f'{{"private_key": "-----BEGIN PRIVATE KEY-----\\n{BODY}\\n"}}', 1),
        (f"{PROJECT}/.env", f"HOST=warehouse\nexport API_TOKEN={SECRET}\n", 2),
        (f"{PROJECT}/dev.env", f"API_TOKEN='{SECRET}'\n", 1),
        (f"{PROJECT}/scratchpads/try.ipynb", f'{{"source": [\n"password = \\"{SECRET}\\"\\n"]}}\n', 2),
        (f"{PROJECT}/data_loaders/stream.yaml", f"connector_type: kafka\nsasl: {{password: {SECRET}}}\n", 2),
        (f"{PROJECT}/utils/unused.py", f"API_KEY = '{SECRET}'\n", 1),
        (f"{PROJECT}/utils/unused.json", f'{{"client_secret": "{SECRET}"}}\n', 1),
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
    assert places([finding]) == [("secret-in-clear", path, 6)]
    assert SECRET not in repr(finding)


def test_a_secret_in_the_variables_of_a_schedule_is_refused_and_not_repeated(sources: Path) -> None:
    path = "environments/dev/values.yaml"
    nightly = schedule("orders") | {"variables": {"api_token": SECRET, "max_tokens": "100"}}
    finding = only(static_findings(sources, {path: values("dev", schedules={"nightly": nightly})}))
    assert places([finding]) == [("secret-in-clear", path, 16)]
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
        "DB_SECRET = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf'",
        "DB_SECRET = 'projects/123/secrets/db/versions/latest'",
        "DB_SECRET = 'kv/data/prod/db'",
        "next_page_token = 'nextPageToken'",
        "fields = dict(password='userPassword')",
        "TOKEN = r'[A-Za-z]+'",
        "pad_token = '[PAD_TOKEN]'",
    ],
)
def test_code_that_only_speaks_of_a_secret_passes(sources: Path, line: str) -> None:
    assert static_findings(sources, {MONEY: f"def rounded(amount):\n    return amount\n{line}\n"}) == []


# Put together here, so that nobody who looks for secrets in this file finds one.
FORMS = {
    "a GitHub token": ("ghp_", "a1B2" * 9),
    "a GitLab token": ("glpat-", "a1B2c3D4e5F6g7H8i9J0"),
    "a Slack token": ("xoxb-", "123456789012-abcdefABCDEF"),
    "the address of a Slack webhook": (
        "hooks.slack.com/services/",
        "T0123456/B0123456/abcdEFGH12345678",
    ),
    "a key of Google's API": ("AIza", "Sy-1234567890abcdefghijklmnopqrstuvw"[:35]),
    "a Stripe key": ("sk_live_", "a1B2c3D4e5F6g7H8i9J0k1L2"),
    "a SendGrid key": ("SG.", "a1B2c3D4e5F6g7H8i9J0k1." + "a1B2c3D4e5F6g7H8i9J0k1a1B2c3D4e5F6g7H8i9J0k"),
    "an OpenAI key": ("sk-proj-", "a1B2c3D4e5F6g7H8i9J0T3BlbkFJa1B2c3D4e5F6g7H8i9J0"),
    "an AWS access key": ("AKIA", "ABCDEFGHIJKLMNOP"),
    "a key of Azure's storage": ("AccountKey=", "a1B2" * 21 + "a1=="),
    "a token of a package registry": ("npm_", "a1B2" * 9),
    "a password in a URL": ("postgresql://mage:", f"{SECRET}@warehouse/db"),
}


@pytest.mark.parametrize("kind", FORMS)
def test_a_secret_that_shows_by_its_form_is_named_in_any_file(sources: Path, kind: str) -> None:
    path = f"{PROJECT}/notes.txt"
    finding = only(static_findings(sources, {path: "\n" + "".join(FORMS[kind]) + "\n"}))
    assert (finding.path, finding.line, finding.problem) == (path, 2, f"the line holds {kind}")


@pytest.mark.parametrize(
    "line",
    [
        "PASSWORD=your_password_here",
        "PASSWORD=changeme123",
        "PASSWORD=${DB_PASSWORD}",
        "POSTGRES_PASSWORD=postgres",
        "PRIVATE_KEY=/run/secrets/private.pem",
        "TOKEN_URL=https://accounts.example.com/token",
        "API_TOKEN=https://accounts.google.com/o/oauth2/token",
        "API_KEY=<your key>",
        "CONNECTION=mongodb://{username}:{password}@{host}/",
        "CONNECTION=postgresql://postgres:postgres@localhost/db",
        "KEY=-----BEGIN PRIVATE KEY-----",
        "# PASSWORD=",
    ],
)
def test_a_placeholder_or_a_default_that_everybody_knows_is_no_secret(sources: Path, line: str) -> None:
    assert static_findings(sources, {f"{PROJECT}/.env": f"{line}\n"}) == []


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


@pytest.mark.parametrize(("kind", "line"), [("api", 4), ("time", None), ("event", None)])
def test_the_token_of_a_trigger_is_a_secret_where_mage_asks_for_it(
    sources: Path, kind: str, line: int | None
) -> None:
    path = f"{PROJECT}/pipelines/orders/triggers.yaml"
    text = f"triggers:\n- name: x\n  schedule_type: {kind}\n  token: {SECRET}\n"
    found = [each for each in static_findings(sources, {path: text}) if each.code == "secret-in-clear"]
    assert [each.line for each in found] == ([line] if line else [])
    assert all("name a Secret with it as `token`" in each.fix for each in found)
