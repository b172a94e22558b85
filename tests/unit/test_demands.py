"""What pipelines demand of an environment: what they use, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import IO_CONFIG, PROJECT, block, only, places, static_findings, tree_of, write, write_pipeline
from promotion.pipelines.demands import Demands, Secret, demands_of
from promotion.pipelines.project import Project

STOCK = f"{PROJECT}/data_loaders/load_stock.py"
MONEY = f"{PROJECT}/utils/money.py"
WAREHOUSE = f"{PROJECT}/utils/warehouse.py"
IO_PATH = f"{PROJECT}/io_config.yaml"
OPENS = "from mage_ai.io.config import ConfigFileLoader\nfrom mage_ai.io.{} import {}\n"
POSTGRES = OPENS.format("postgres", "Postgres")


def demands(folder: Path, *names: str) -> Demands:
    return demands_of(Project(tree_of(folder)), names or ("orders", "returns", "stock"))


def variables(folder: Path, *names: str) -> set[str]:
    return {variable.name for variable in demands(folder, *names).variables} - {"ENV"}  # every loader reads it


def asks(name: str) -> str:
    return f"\"{{{{ env_var('{name}') }}}}\""


def profile(name: str, **settings: str) -> str:
    return f"{name}:\n" + "".join(f"  {key}: {value}\n" for key, value in settings.items())


def unsupplied(folder: Path, files: dict[str, str]) -> list[tuple[str, int | None]]:
    findings = static_findings(folder, files)
    assert {finding.code for finding in findings} <= {"name-not-supplied"}, findings
    return [(finding.path, finding.line) for finding in findings]


def write_block(folder: Path, kind: str, path: str, language: str = "sql", **configuration: str) -> None:
    """Write a pipeline `stock` of one block in the file `path`."""
    entry = block(Path(path).stem, kind, configuration=configuration) | {"language": language}
    write_pipeline(folder, "stock", [entry])


# Files that a pipeline reaches


@pytest.mark.parametrize(
    "path", ["utils/unused.py", "scratchpads/try.py", "data_exporters/old.sql", "dbt/dbt_packages/a/profiles.yml"]
)
def test_a_file_that_no_pipeline_reaches_demands_nothing(sources: Path, path: str) -> None:
    text = "import os\nos.environ['NOBODYS']\n" if path.endswith(".py") else f"a: {asks('NOBODYS')}\n"
    assert static_findings(sources, {f"{PROJECT}/{path}": text}) == []


@pytest.mark.parametrize("form", ["\n'{{ env_var(\n 'REGION') }}'", "\n\"{{ env_var('REGION') }}\""])
def test_a_sql_block_demands_what_its_text_asks_for(sources: Path, form: str) -> None:
    path = f"{PROJECT}/data_exporters/totals.sql"
    write_block(sources, "data_exporter", path)
    assert unsupplied(sources, {path: f"select {form}\n"}) == [(path, 2)]


def test_r_demands_what_it_reads_without_a_default(sources: Path) -> None:
    path = f"{PROJECT}/transformers/score.r"
    write_block(sources, "transformer", path, "r")
    read = 'x <- 1\ny <- Sys.getenv("REGION")\n# Sys.getenv("OLD")\nSys.getenv("A", "b")\n'
    assert unsupplied(sources, {path: read + 'Sys.getenv("B", unset = NA)\n'}) == [(path, 2)]


def test_a_selection_demands_what_its_pipelines_use(sources: Path) -> None:
    write(sources, {STOCK: "import os\nos.environ['REGION']\n"})
    assert variables(sources, "orders") == set()
    assert variables(sources, "stock") == {"REGION"}
    assert demands_of(Project(tree_of(sources)), ()) == Demands()


# Variables that code goes on without


@pytest.mark.parametrize(
    "code",
    [
        "REGION = os.getenv('REGION', 'north')",
        "REGION = os.getenv('REGION', default='north')",
        "REGION = os.getenv('REGION') or 'north'",
        "REGION = os.environ['REGION'] if 'REGION' in os.environ else 'north'",
        "if os.getenv('REGION'):\n    print('north')",
        "if not os.getenv('REGION'):\n    print('north')",
        "IS_NORTH = os.getenv('REGION') == 'north'",
        "IS_NORTH = os.getenv('REGION') in ('north', 'south')",
        "REGION = os.getenv('REGION')\nif REGION is None:\n    REGION = 'north'",
        "REGION = os.getenv('REGION')\nprint(REGION or 'north')",
        "os.environ.update(REGION='north')\nREGION = os.environ['REGION']",
        "os.environ.update({'REGION': 'north'})\nREGION = os.environ['REGION']",
        "from contextlib import suppress\nwith suppress(KeyError):\n    REGION = os.environ['REGION']",
        "try:\n    REGION = os.environ['REGION']\nexcept Exception:\n    REGION = 'north'",
        "try:\n    REGION = os.environ['REGION']\nexcept:\n    REGION = 'north'",
        "os.environ['REGION'] = 'north'",
        "os.environ.setdefault('REGION', 'north')\nREGION = os.environ['REGION']",
        "try:\n    REGION = os.environ['REGION']\nexcept KeyError:\n    REGION = 'north'",
        "if __name__ == '__main__':\n    REGION = os.environ['REGION']",
        "REGION = os.getenv('ENV')",
        "REGION = os.environ['HOME'] + os.getenv('TMPDIR')",
    ],
)
def test_a_variable_that_code_can_miss_or_always_has_is_not_demanded(sources: Path, code: str) -> None:
    assert unsupplied(sources, {STOCK: (sources / STOCK).read_text() + code}) == []


@pytest.mark.parametrize(
    "code",
    [
        "REGION = os.getenv('REGION')",
        "if not os.getenv('REGION'):\n    raise ValueError('no region')",
        "try:\n    REGION = os.environ['REGION']\nexcept ValueError:\n    pass",
        "try:\n    REGION = os.environ['REGION']\nexcept KeyError:\n    raise",
        "REGION = 'north' or os.environ['REGION']",
        "REGION = os.environ['REGION'] or 'north'",
        "if os.environ['REGION'] == 'north':\n    print('north')",
        "REGION = os.getenv('REGION')\nif not REGION:\n    raise ValueError('no region')",
        "from contextlib import suppress\nwith suppress(OSError):\n    REGION = os.environ['REGION']",
    ],
)
def test_a_variable_that_code_needs_is_demanded(sources: Path, code: str) -> None:
    assert len(unsupplied(sources, {STOCK: (sources / STOCK).read_text() + code})) == 1


# io_config.yaml


def test_a_profile_that_nobody_opens_demands_nothing(sources: Path) -> None:
    config = IO_CONFIG + profile("lake", POSTGRES_HOST="literal", POSTGRES_PORT=asks("NOBODYS"))
    assert static_findings(sources, {IO_PATH: config}) == []


@pytest.mark.parametrize("key", ["HOST", "PORT", "USER", "DBNAME", "PASSWORD"])
@pytest.mark.parametrize("form", ["default:\n  {}: 5432\n", "\ndefault: {{a: b, {}: w.svc}}\n"])
def test_a_connection_that_is_used_and_holds_the_value_is_refused(sources: Path, form: str, key: str) -> None:
    opens = POSTGRES + "Postgres.with_config(ConfigFileLoader())\n"
    findings = static_findings(sources, {MONEY: opens, IO_PATH: form.format(f"POSTGRES_{key}")})
    assert ("literal-connection", IO_PATH, 2) in places(findings)


@pytest.mark.parametrize(
    ("opening", "wanted"),
    [
        ("Postgres.with_config(ConfigFileLoader())", {"HOST"}),
        ("Postgres.with_config(ConfigFileLoader('io_config.yaml', 'default'))", {"HOST"}),
        ("Postgres.with_config(config=ConfigFileLoader(None, profile='default'))", {"HOST"}),
        ("with Postgres.with_config(ConfigFileLoader(None, 'lake')) as it: pass", {"LAKE"}),
        ("name = 'lake'\nPostgres.with_config(ConfigFileLoader(None, name))", {"LAKE"}),
        ("c = ConfigFileLoader()\nPostgres.with_config(c)", {"HOST"}),
        ("ConfigFileLoader()['AWS_REGION']", {"AWS"}),
        ("c = ConfigFileLoader()\nc.get(ConfigKey.AWS_REGION)", {"AWS"}),
        ("class Own(Postgres): pass\nOwn.with_config(ConfigFileLoader())", {"HOST"}),
        ("Postgres.with_config(ConfigFileLoader(config={}))", set()),
        ("Postgres.with_config(ConfigFileLoader(*given))", set()),
        ("Postgres.with_config(ConfigFileLoader(None, given))", set()),
    ],
)
def test_of_a_profile_the_keys_that_its_client_reads_are_demanded(
    sources: Path, opening: str, wanted: set[str]
) -> None:
    config = profile("default", POSTGRES_HOST=asks("HOST"), AWS_REGION=asks("AWS"), MYSQL_HOST=asks("MYSQL"))
    write(sources, {IO_PATH: config + profile("lake", POSTGRES_HOST=asks("LAKE")), MONEY: POSTGRES + opening})
    assert variables(sources, "orders") == wanted


def test_the_keys_of_an_unknown_client_are_all_demanded(sources: Path) -> None:
    config = profile("default", POSTGRES_HOST=asks("HOST"), AWS_REGION=asks("AWS"))
    write(
        sources,
        {IO_PATH: config, MONEY: "from mage_ai.io.config import ConfigFileLoader\nf(ConfigFileLoader())\n"},
    )
    assert variables(sources, "orders") == {"HOST", "AWS"}


def test_a_sql_block_demands_the_keys_of_its_provider(sources: Path) -> None:
    config = profile("lake", POSTGRES_HOST=asks("HOST"), SNOWFLAKE_USER=asks("SNOW"))
    path = f"{PROJECT}/data_loaders/ask.sql"
    write_block(sources, "data_loader", path, data_provider="snowflake", data_provider_profile="lake")
    write(sources, {IO_PATH: config, path: "select 1\n"})
    assert variables(sources, "stock") == {"SNOW"}


def test_a_streaming_sink_demands_the_keys_of_its_connector(sources: Path) -> None:
    config = profile("default", POSTGRES_HOST=asks("HOST"), MYSQL_USER=asks("MYSQL"))
    path = f"{PROJECT}/data_exporters/sink.yaml"
    write_pipeline(sources, "stock", [block("sink", "data_exporter") | {"language": "yaml"}], type="streaming")
    write(sources, {IO_PATH: config, path: f"connector_type: mysql\nconfig: {{table: {asks('TABLE')}}}\n"})
    assert variables(sources, "stock") == {"MYSQL", "TABLE"}


@pytest.mark.parametrize(
    ("value", "is_demanded"),
    [
        ("\"{{ env_var('X') }}\"", True),
        ("{{ env_var('X') | tojson }}", True),
        ("\"{{ env_var('X') | default('y') }}\"", True),  # None is defined
        ("\"{{ env_var('X', 'y') }}\"", False),
        ("\"{{ env_var('X') or 'y' }}\"", False),
        ("\"{{ env_var('X') | default('y', true) }}\"", False),
        ("{% if env_var('X') %}a{% endif %}", False),
    ],
)
def test_a_setting_with_a_default_is_not_demanded(sources: Path, value: str, is_demanded: bool) -> None:
    write(sources, {IO_PATH: f"# é\ndefault:\n  POSTGRES_SCHEMA: {value}\n", MONEY: POSTGRES + OPENED})
    assert variables(sources) == ({"X"} if is_demanded else set())


OPENED = "Postgres.with_config(ConfigFileLoader())\n"


# Profiles through the project's own functions

CONNECT = POSTGRES + "def connect(profile):\n    return Postgres.with_config(ConfigFileLoader(profile=profile))\n"
READ = (
    CONNECT
    + "def read(profile, query):\n    with connect(profile) as database:\n        return database.load(query)\n"
)
OBJECT = (
    POSTGRES
    + "class Warehouse:\n    def __init__(self, profile='default'):\n        self.profile = profile\n"
    + "    def read(self):\n        return Postgres.with_config(ConfigFileLoader(None, self.profile))\n"
)


@pytest.mark.parametrize(
    ("helper", "code"),
    [
        (READ, f"from {PROJECT}.utils.warehouse import read\n\nread('sorce', 'select 1')\n"),
        (READ, f"from {PROJECT}.utils.warehouse import read as r\n\nr('sorce', 'select 1')\n"),
        (READ, f"from {PROJECT}.utils import warehouse\n\nwarehouse.read(query='select 1', profile='sorce')\n"),
        (READ, f"from {PROJECT}.utils import warehouse as w\n\nw.read('sorce', 'select 1')\n"),
        (READ, f"import {PROJECT}.utils.warehouse\n\n{PROJECT}.utils.warehouse.connect('sorce')\n"),
        (READ, f"from {PROJECT}.utils.warehouse import read\nname = 'sorce'\nread(name, 'select 1')\n"),
        (OBJECT, f"from {PROJECT}.utils.warehouse import Warehouse\n\nWarehouse('sorce').read()\n"),
    ],
)
def test_a_profile_that_is_misspelt_through_a_helper_is_refused_at_the_call(
    sources: Path, helper: str, code: str
) -> None:
    write(sources, {WAREHOUSE: helper})
    finding = only(static_findings(sources, {MONEY: code}))
    assert places([finding]) == [("profile-missing", MONEY, 3)]
    assert "'sorce'" in finding.problem
    assert finding.fix.startswith("write default; or add it")
    assert static_findings(sources, {MONEY: code.replace("sorce", "default")}) == []


def test_a_default_of_a_helper_counts_where_the_call_gives_no_profile(sources: Path) -> None:
    helper = CONNECT.replace("(profile):", "(profile='sorce'):")
    code = f"from {PROJECT}.utils.warehouse import connect\nconnect({{}})\n"
    assert static_findings(sources, {WAREHOUSE: helper, MONEY: code.format("'default'")}) == []
    assert places(static_findings(sources, {MONEY: code.format("")})) == [("profile-missing", MONEY, 2)]


def test_a_function_of_the_same_name_elsewhere_opens_no_profile(sources: Path) -> None:
    code = f"from {PROJECT}.utils import warehouse\nimport pandas\npandas.read('x.csv', 1)\n"
    assert static_findings(sources, {WAREHOUSE: READ, MONEY: code}) == []


# metadata.yaml


def test_a_webhook_of_the_project_is_optional_and_its_storage_is_not(sources: Path) -> None:
    path = f"{PROJECT}/metadata.yaml"
    text = f"notification_config:\n  slack_config: {{webhook_url: {asks('HOOK')}}}\nremote_variables_dir: "
    assert unsupplied(sources, {path: text + asks("BUCKET") + "\n"}) == [(path, 3)]


# dbt

DBT = f"{PROJECT}/dbt/shop"
PROFILES = f"""\
other: {{outputs: {{dev: {{user: {asks("OTHER")}}}}}}}
shop:
  target: dev
  outputs:
    dev:
      user: {asks("DEV")}
    prod:
      user: {asks("PROD")}
"""


@pytest.mark.parametrize(
    ("configuration", "wanted"),
    [
        ({}, "DEV"),
        ({"dbt_profile_target": "prod"}, "PROD"),
        ({"dbt_profile_target": "{{ variables('x') }}"}, None),
    ],
)
def test_a_dbt_block_demands_its_own_target(
    sources: Path, configuration: dict[str, str], wanted: str | None
) -> None:
    path = f"{DBT}/models/totals.sql"
    files = {
        f"{DBT}/dbt_project.yml": "name: shop\nprofile: shop\n",
        f"{DBT}/profiles.yml": PROFILES,
        path: "select 1",
    }
    noise = f"{DBT}/dbt_packages/utils/integration_tests/profiles.yml"
    write(sources, files | {noise: PROFILES, noise.replace("profiles", "models"): f"a: {asks('NOBODYS')}"})
    source = {"file_path": path.removeprefix(f"{PROJECT}/"), **configuration}
    write_pipeline(sources, "stock", [block("totals", "dbt", configuration=source) | {"language": "sql"}])
    assert variables(sources, "stock") == ({wanted} if wanted else set())


# Secrets


def test_secrets_that_mage_reads_are_named_with_their_store(sources: Path) -> None:
    code = "from mage_ai.data_preparation.shared.secrets import get_secret_value as g\ng('a')\n"
    settings = "POSTGRES_PASSWORD: \"{{ mage_secret_var('b') }}\"\n  POSTGRES_HOST: {{ aws_secret_var('c') }}\n"
    config = f"default:\n  {settings}"
    write(sources, {STOCK: code, MONEY: POSTGRES + OPENED, IO_PATH: config})
    assert set(demands(sources).secrets) == {
        Secret(STOCK, 2, "mage", "a"),
        Secret(IO_PATH, 2, "mage", "b"),
        Secret(IO_PATH, 3, "aws", "c"),
    }


def test_a_secret_of_mage_is_supplied_as_a_variable_of_its_name(sources: Path) -> None:
    code = (
        "from mage_ai.data_preparation.shared.secrets import get_secret_value\nget_secret_value('shop-password')\n"
    )
    finding = only(static_findings(sources, {STOCK: (sources / STOCK).read_text() + code}))
    assert finding.problem == "asks Mage for the secret shop-password, which the environment does not supply"
    assert finding.fix == "add shop-password to io.secrets in environments/<env>/values.yaml, on main"
    path = sources / "environments/dev/values.yaml"
    supplied = "  secrets:\n    shop-password: {name: shop, key: a}\n"
    path.write_text(path.read_text().replace("  secrets:\n", supplied))
    assert static_findings(sources) == []


def test_a_function_that_mage_does_not_know_breaks_every_profile(sources: Path) -> None:
    config = "default: {}\nother: {KEY: \"{{ gcp_secret_var('c') }}\"}\n"
    write(sources, {MONEY: POSTGRES + OPENED, IO_PATH: config})
    finding = only(static_findings(sources))
    assert (finding.code, finding.path, finding.line) == ("unknown-function", IO_PATH, 2)
    assert finding.problem == "asks for c by gcp_secret_var, which Mage does not know"
    assert static_findings(sources, {MONEY: "rounded = round\n"}) == []


def test_a_vault_of_azure_needs_its_address(sources: Path) -> None:
    config = "default: {KEY: \"{{ azure_secret_var('c') }}\"}\n"
    finding = only(static_findings(sources, {MONEY: POSTGRES + OPENED, IO_PATH: config}))
    assert finding.problem == "reads AZURE_KEY_VAULT_URL, which the environment does not supply"


def test_a_name_that_is_missing_in_many_places_is_one_finding(sources: Path) -> None:
    code = (sources / STOCK).read_text()
    finding = only(static_findings(sources, {STOCK: code + "os.environ['region']\nos.environ['region']\n"}))
    line = code.count("\n") + 1
    assert finding.line == line
    assert finding.problem.endswith(f"does not supply; so do {STOCK}:{line + 1}")
