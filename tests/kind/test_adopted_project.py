"""A team's project with a name of its own, from its folder to a run on a cluster that its API trigger starts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import call_script, git, promote, push, remote_of, repository_files, write, write_environment_gates
from kind.cluster import Namespace
from kind.docker import docker
from kind.release import Release
from mage_pod.mage_api import MageApi

NAME = "corner_shop"
PASSWORD = "Tr0ub4dor&3 $(HOME) $$"
TOKEN = "5d1c0e9a7b3f4c2e8a6d"
TRIGGER = "order arrived"
BLOCK = f"""
import hashlib

from mage_ai.io.config import ConfigFileLoader
from mage_ai.settings.repo import get_repo_path
from {NAME}.utils.till import GREETING

if 'custom' not in globals():
    from mage_ai.data_preparation.decorators import custom


@custom
def pay(*args, **kwargs):
    password = ConfigFileLoader(f'{{get_repo_path()}}/io_config.yaml', 'default')['POSTGRES_PASSWORD']
    return ' '.join([GREETING, kwargs['customer'], hashlib.sha256(password.encode()).hexdigest()])
"""
PIPELINE = {
    "name": "orders",
    "uuid": "orders",
    "type": "python",
    "blocks": [
        {
            "uuid": "pay",
            "type": "custom",
            "language": "python",
            "configuration": {"file_path": f"{NAME}/custom/at_the_till.py"},
            "upstream_blocks": [],
            "downstream_blocks": [],
        }
    ],
}
CALLED = {"name": TRIGGER, "schedule_type": "api", "status": "active", "token": TOKEN, "envs": ["dev"]}
PROJECT = {
    "metadata.yaml": "project_type: standalone\nproject_uuid: corner\n",
    "io_config.yaml": f"version: 0.1.1\ndefault:\n  POSTGRES_PASSWORD: {PASSWORD}\n",
    "utils/till.py": "GREETING = 'Thank you'\n",
    "custom/at_the_till.py": BLOCK,
    "pipelines/orders/metadata.yaml": yaml.safe_dump(PIPELINE),
    "pipelines/orders/triggers.yaml": yaml.safe_dump({"triggers": [CALLED]}),
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the template; a team's project is in a folder beside it."""
    folder = tmp_path_factory.mktemp("adopted")
    write(folder / NAME, PROJECT)
    clone = folder / "clone"
    for path, file in repository_files().items():
        write(clone, {path: file.read_bytes()})
    git(folder, "init", "--quiet", "--template=", "--bare", "--initial-branch=main", "remote.git")
    git(clone, "init", "--quiet", "--template=", "--initial-branch=main")
    git(clone, "remote", "add", "origin", "../remote.git")
    write_environment_gates(clone, "dev", ["static"])
    push(clone)
    return clone


@pytest.fixture(scope="module")
def adoption(clone: Path) -> dict[str, Any]:
    """What `adopt.py` said that it did; `main` has it."""
    adopted = call_script(clone, "adopt", f"../{NAME}", "--yes", "--json")
    assert adopted.exit_code == 0, adopted.stderr
    plan: dict[str, Any] = adopted.document["adoption"]
    git(clone, "merge", "--quiet", "--ff-only", plan["branch"])
    git(clone, "push", "--quiet", "origin", "main")
    return plan


@pytest.fixture(scope="module")
def release(
    clone: Path,
    adoption: dict[str, Any],
    image_of: Callable[[Path], str],
    namespaces: Callable[[str], Namespace],
) -> Iterator[Release]:
    """Its first release in dev, installed from the branch with its values and release.yaml; blocks run in Jobs."""
    promote(clone, "main", "dev")
    branch = clone.parent / "branch"
    git(clone.parent, "clone", "--quiet", "--branch=env/dev", str(remote_of(clone)), str(branch))
    image = image_of(branch)
    release = Release(namespaces("adopted"), image, "mage-dev", chart=branch / "charts/mage")
    known = {"POSTGRES_PASSWORD": PASSWORD, "order-arrived": TOKEN}
    for secret, keys in adoption["secrets"]["dev"].items():
        release.namespace.make_secret(secret, **{key: known[key] for key in keys})
    files = [branch / "environments/dev/values.yaml", branch / "release.yaml"]
    yield release.install(*(yaml.safe_load(file.read_text()) for file in files), {"executor": {"type": "k8s"}})
    release.close()
    docker("image", "rm", "--force", image)


def test_its_api_trigger_starts_a_run_that_has_its_modules_and_its_secret(release: Release) -> None:
    (address,) = re.findall(r"order-arrived is started by POST (\S+)", release.logs("schedules"))
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    call = {"pipeline_run": {"variables": {"customer": "Ada"}}}
    _, answer = MageApi(release.url()).request("POST", address, call, headers)
    number = json.loads(answer)["pipeline_run"]["id"]
    assert release.ended(number)["status"] == "completed"
    (block,) = release.api().call("GET", f"/api/block_runs?pipeline_run_id={number}")["block_runs"]
    output = json.dumps(release.api().call("GET", f"/api/block_runs/{block['id']}/outputs"))
    assert f"Thank you Ada {hashlib.sha256(PASSWORD.encode()).hexdigest()}" in output
