"""Ask Mage's own loaders whether they can read a project's pipelines; as a program, this file is that Mage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mage_pod import deferred
from runtime.run import worker_environment

_SECONDS = 300


class LoadError(RuntimeError):
    """Mage did not start, or did not end in time; the message has the last lines that it wrote."""


def load_pipelines(project: Path, names: Sequence[str]) -> dict[str, str]:
    """Return what Mage says about each of the pipelines `names` that it cannot load; empty when there is none."""
    with tempfile.TemporaryDirectory(prefix="mage-load-") as scratch:
        answer = Path(scratch, "answer.json")
        environment = worker_environment({}, project, Path(scratch))
        command = [sys.executable, __file__, str(project), str(answer), *names]
        environment["PYTHONPATH"] += f"{os.pathsep}{Path(__file__).parents[1]}"
        try:
            done = subprocess.run(
                command, env=environment, cwd=scratch, capture_output=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise LoadError(f"Mage did not load the project within {_SECONDS} s") from error
        if done.returncode or not answer.exists():
            last_words = done.stderr.decode(errors="replace").splitlines()[-10:]
            raise LoadError("Mage did not start:\n" + "\n".join(last_words))
        errors: dict[str, str] = json.loads(answer.read_text())
        return errors


def _load(project: Path, names: Sequence[str]) -> dict[str, str]:
    """Load `names` with Mage, which reads the project's path from an environment variable while it is imported."""
    deferred.import_mage()
    # MAGE.md: pipeline-loads
    from mage_ai.data_preparation.models.pipeline import Pipeline

    errors = {}
    for name in names:
        try:
            pipeline = Pipeline.get(name)
            pipeline.validate("the pipeline's blocks")
        except Exception as error:  # noqa: BLE001 whatever Mage raises is its answer
            errors[name] = f"{type(error).__name__}: {error}"
    return errors


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(_load(Path(sys.argv[1]), sys.argv[3:])))
