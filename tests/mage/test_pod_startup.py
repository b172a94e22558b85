"""How Mage is brought up in a pod."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from mage.pods import FILES, Database
from mage.projects import write_project

_ASK = """
import json
from mage_pod.jobs import JobQueue
from mage_pod.startup import start_mage
start_mage(JobQueue(1))
from mage_ai.orchestration.db import engine
from mage_ai.orchestration.job_manager import get_job_manager
from mage_ai.settings.repo import get_repo_path
connection = engine.raw_connection().dbapi_connection.get_dsn_parameters()
print(json.dumps([connection, type(get_job_manager().queue).__name__, get_repo_path()]))
"""


def test_mage_has_our_queue_its_project_and_no_endless_patience_with_its_database(
    tmp_path: Path, template: Database
) -> None:
    project = write_project(tmp_path, {})
    variables = {"PYTHONPATH": str(FILES), "DB_URL": template.url, "MAGE_REPO_PATH": str(project)}
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ENV": "dev"} | variables
    command = [sys.executable, "-P", "-c", _ASK]
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=True)
    connection, queue, path = json.loads(done.stdout.splitlines()[-1])
    assert (queue, path) == ("JobQueue", str(project))
    assert (connection["connect_timeout"], connection["tcp_user_timeout"]) == ("10", "30000")
