"""The chart as a package in a real registry: what is installed by its digest is this chart."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chart.scenarios import CHART
from helpers import EXAMPLE, ROOT
from kind.docker import why_no
from kind.registry import Registry, why_no_registry
from promotion.version import VERSION

VALUES = EXAMPLE / "environments/dev/values.yaml"
_REASON = why_no("helm") or why_no_registry()

pytestmark = pytest.mark.skipif(_REASON is not None, reason=_REASON or "")


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["helm", *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The chart's address in a registry, and the digest that helm printed when it was pushed."""
    registry = Registry(tmp_path_factory.mktemp("charts") / "registry")
    subprocess.run(["make", "-o", ".venv/installed", "chart-package"], cwd=ROOT, check=True, capture_output=True)
    package, address = ROOT / f".local/charts/mage-{VERSION}.tgz", f"oci://{registry.address}/charts"
    pushed = helm("push", "--plain-http", package, address)
    found = re.search(r"Digest: (sha256:\w+)", pushed.stdout + pushed.stderr)
    assert found, pushed.stderr
    yield f"{address}/mage", found[1]
    registry.kill()


def test_what_its_digest_names_renders_like_the_checkout(chart: tuple[str, str]) -> None:
    address, digest = chart
    from_registry = helm("template", "mage-dev", f"{address}@{digest}", "--plain-http", "-f", VALUES)
    assert from_registry.returncode == 0, from_registry.stderr
    assert from_registry.stdout == helm("template", "mage-dev", CHART, "-f", VALUES).stdout
    assert "kind: StatefulSet" in from_registry.stdout


def test_another_digest_is_not_there(chart: tuple[str, str]) -> None:
    address, _ = chart
    refused = helm("template", "mage-dev", f"{address}@sha256:{'0' * 64}", "--plain-http", "-f", VALUES)
    assert refused.returncode != 0
    assert "not found" in refused.stderr
