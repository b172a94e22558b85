"""A project that `mage init` has just made, in the place of the team's: nothing in it is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import PROJECT, call_script, git, only, places, static_findings, values, write, write_environment

IO_PATH = f"{PROJECT}/io_config.yaml"
BLOCK = f"{PROJECT}/data_loaders/load_titanic.py"
EXPORTS = """
from mage_ai.io.config import ConfigFileLoader
from mage_ai.io.s3 import S3
S3.with_config(ConfigFileLoader())
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Mage itself makes."""
    folder = tmp_path_factory.mktemp("mage init")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "MAGE_DATA_DIR": str(folder / "data")}
    program = Path(sys.executable).with_name("mage")
    done = subprocess.run(
        [program, "init", PROJECT], cwd=folder, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / PROJECT


@pytest.fixture
def fresh(made: Path, tmp_path: Path) -> Path:
    """A folder with that project and three environments that supply nothing."""
    shutil.copytree(made, tmp_path / PROJECT)
    for name, source in (("dev", "main"), ("staging", "dev"), ("prod", "staging")):
        write_environment(tmp_path, name, source)
        write(tmp_path, {f"environments/{name}/values.yaml": values(name, io={"settings": {}, "secrets": {}})})
    write(tmp_path, {"Dockerfile": "FROM scratch\n", "requirements.txt": ""})
    return tmp_path


def test_nothing_is_found(fresh: Path) -> None:
    assert static_findings(fresh) == []
    git(fresh, "init", "--quiet")
    verified = call_script(fresh, "verify", ".")
    assert (verified.exit_code, verified.stdout) == (0, "OK: 1 pipeline, 3 environments\n"), verified.stderr


def test_nothing_is_found_without_the_optional_files(fresh: Path) -> None:
    for name in ("io_config.yaml", "requirements.txt", "dbt", "utils", "custom", "charts", "scratchpads"):
        path = fresh / PROJECT / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert static_findings(fresh) == []


def test_what_a_block_uses_of_the_template_is_demanded(fresh: Path) -> None:
    (fresh / BLOCK).write_text((fresh / BLOCK).read_text() + EXPORTS)
    lines = (fresh / IO_PATH).read_text().splitlines()
    keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    wanted = [
        ("name-not-supplied", IO_PATH, 1 + next(n for n, line in enumerate(lines) if key in line)) for key in keys
    ]
    assert places(static_findings(fresh)) == wanted


def test_a_profile_that_the_template_lacks_is_found(fresh: Path) -> None:
    code = (fresh / BLOCK).read_text() + EXPORTS.replace("ConfigFileLoader()", "ConfigFileLoader(None, 'lake')")
    assert only(static_findings(fresh, {BLOCK: code})).code == "profile-missing"
