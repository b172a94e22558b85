"""The team's project: whatever stands in mage_project/ and environments/ must pass here before it is promoted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chart.engine import Wheel, merged
from chart.rendering import Renderer
from chart.scenarios import read, release_overlay
from chart.validity import VERSIONS, schema_errors
from helpers import EXAMPLE, PROJECT, ROOT, command, environment, run_at_most, run_script, work_tree_files
from kind.cluster import why_no_cluster

ENVIRONMENTS = sorted(folder.name for folder in (ROOT / "environments").iterdir() if folder.is_dir())
TESTS = [path for path in work_tree_files() if Path(path).match(f"{PROJECT}/**/test_*.py")]
SMOKE_SECONDS = 1800  # of the machine; a pipeline's own limits are in its promotion.yaml

pytestmark = pytest.mark.timeout(2 * SMOKE_SECONDS)


def test_the_static_gate_passes() -> None:
    result = run_script(ROOT, "verify", ".")
    assert result.exit_code == 0, result.stderr


@pytest.mark.skipif(not TESTS, reason=f"{PROJECT}/ has no tests of its own: write {PROJECT}/tests/test_….py")
def test_its_own_tests_pass() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", PROJECT, *TESTS],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_chart_makes_valid_objects_of_its_values(name: str) -> None:
    values = merged([read(ROOT / "environments" / name / "values.yaml"), release_overlay(name)])
    objects = Renderer(Wheel())(values, release=f"mage-{name}", namespace=f"mage-{name}")
    assert [error for version in VERSIONS for item in objects for error in schema_errors(item, version)] == []


def test_every_pipeline_passes_its_smoke_test_on_this_machine(clone: Path, environments: list[str]) -> None:
    smoke(clone, environments[0], "local")


@pytest.mark.skipif(why_no_cluster() is not None, reason=why_no_cluster() or "")
@pytest.mark.skipif(EXAMPLE == ROOT, reason="tests/kind runs the example: scripts/adopt.py brings your project")
def test_every_pipeline_passes_its_smoke_test_on_a_cluster(clone: Path, environments: list[str]) -> None:
    smoke(clone, environments[0], "kind")


def smoke(clone: Path, name: str, kind: str) -> None:
    """Run what a promotion to the first environment runs."""
    words = command("smoke", "main", name, "--on", kind)
    result = run_at_most(SMOKE_SECONDS, words, clone)
    assert result.exit_code == 0, result.stderr
