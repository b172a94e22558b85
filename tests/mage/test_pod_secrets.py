"""A secret that code asks Mage for by name comes from the environment, in pods and on this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mage.projects import Block, write_project
from runtime.run import Run, run_pipelines, worker_environment

ASKS = """\
@custom
def ask(*args, **kwargs):
    from mage_ai.data_preparation.shared.secrets import get_secret_value
    from mage_ai.data_preparation.shared.utils import get_template_vars

    given = get_secret_value('shop-key'), get_template_vars()['mage_secret_var'](name='shop-key')
    assert given == ('of the environment', 'of the environment'), given
    assert get_secret_value('nobodys') is None
"""


def test_a_run_on_this_machine_finds_it(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"asks": [Block("ask", ASKS, type="custom")]})
    (result,) = run_pipelines(project, [Run("asks")], environment={"shop-key": "of the environment"})
    assert result.status == "completed", result


def test_a_pod_finds_it(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"asks": [Block("ask", ASKS, type="custom")]})
    environment = worker_environment({"shop-key": "of the environment"}, project, tmp_path)
    files = Path(__file__).resolve().parents[2] / "charts/mage/files"
    environment["PYTHONPATH"] = f"{files}:{environment['PYTHONPATH']}"
    command = [sys.executable, "-P", "-m", "mage_pod.mage_command", "run", str(project), "asks"]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
