"""How Mage is brought up in a pod."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from mage.pods import FILES, Database
from mage.projects import write_project

_ASK = """
import gc
import json
from mage_pod.jobs import JobQueue
from mage_pod.startup import start_mage
start_mage(JobQueue(1))
from mage_ai.orchestration.db import engine
from mage_ai.orchestration.job_manager import get_job_manager
from mage_ai.settings.repo import get_repo_path
import sys
from mage_ai.data_preparation.models.utils import estimator_html_repr, infer_variable_type
imported = sorted({"sklearn", "scipy.stats", "IPython"} & sys.modules.keys())
from sklearn.linear_model import LinearRegression
fit = LinearRegression()
model = infer_variable_type(fit)[0].value, "LinearRegression" in estimator_html_repr(fit)
connection = engine.raw_connection().dbapi_connection.get_dsn_parameters()
with engine.connect() as asked:
    zone = asked.exec_driver_sql("SHOW timezone").scalar()
print(json.dumps({
    "connection": connection, "queue": type(get_job_manager().queue).__name__, "project": get_repo_path(),
    "imported": imported, "model": model, "zone": zone,
    "garbage": [gc.isenabled(), gc.get_freeze_count()],
}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, template: Database) -> dict[str, Any]:
    """What a process finds in which Mage was brought up."""
    folder = tmp_path_factory.mktemp("started")
    variables = {
        "PYTHONPATH": str(FILES),
        "DB_URL": template.url,
        "PGTZ": "Europe/Berlin",  # as if that were the zone of the server
        "MAGE_REPO_PATH": str(write_project(folder, {})),
    }
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "ENV": "dev"} | variables
    command = [sys.executable, "-P", "-c", _ASK]
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told | {"folder": folder}


def test_mage_has_our_queue_and_its_project(found: dict[str, Any]) -> None:
    assert (found["queue"], found["project"]) == ("JobQueue", str(found["folder"] / "project"))


def test_mage_has_no_endless_patience_with_its_database(found: dict[str, Any]) -> None:
    connection = found["connection"]
    assert (connection["connect_timeout"], connection["tcp_user_timeout"]) == ("10", "30000")


def test_mage_s_database_tells_moments_in_utc(found: dict[str, Any]) -> None:
    assert found["zone"] == "UTC"


def test_what_mage_hardly_ever_uses_is_not_imported(found: dict[str, Any]) -> None:
    assert found["imported"] == []


def test_garbage_is_looked_for_again_but_not_in_what_mage_is_made_of(found: dict[str, Any]) -> None:
    enabled, left_out = found["garbage"]
    assert enabled
    assert left_out > 100_000


def test_a_model_of_scikit_learn_is_still_known_and_drawn(found: dict[str, Any]) -> None:
    assert found["model"] == ["model_sklearn", True]
