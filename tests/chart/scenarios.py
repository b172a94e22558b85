"""What the chart is rendered with: each environment with a release on top, and each file of charts/mage/ci/."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from chart.engine import merged
from helpers import EXAMPLE
from promotion.record.release import Endpoint, Image, Release

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "mage"
ENVIRONMENTS = ("dev", "staging", "prod")


@dataclass(frozen=True)
class Scenario:
    """One installation: values, the release's name and its namespace."""

    name: str
    values: dict[str, Any] = field(compare=False)
    release: str
    namespace: str


def read(path: Path) -> dict[str, Any]:
    """Return the values in a file."""
    return copy.deepcopy(_read_once(path))


@cache
def _read_once(path: Path) -> dict[str, Any]:
    content = yaml.load(path.read_text(), yaml.CSafeLoader)
    assert isinstance(content, dict), path
    return content


def defaults() -> dict[str, Any]:
    """Return values.yaml."""
    return read(CHART / "values.yaml")


def release_overlay(environment: str) -> dict[str, Any]:
    """Return the release.yaml that a promotion writes."""
    release = Release(
        number=7,
        environment=environment,
        action="promotion",
        source=Endpoint("main", None, "0" * 40),
        pipelines={},
        platform="sha256:" + "1" * 64,
        configuration="sha256:" + "2" * 64,
        configuration_commit="3" * 40,
        image=Image("src-0123456789abcdef", "sha256:" + "4" * 64, "registry.example.com/team/mage"),
        smoke={},
        gates=("static",),
        by="Ada Example <ada@example.com>",
        at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    overlay = yaml.safe_load(release.to_yaml())
    assert isinstance(overlay, dict)
    return overlay


def environment(name: str) -> Scenario:
    """Return the environment as it is installed: `helm install mage-<env>` with its values and a release."""
    values = merged([read(EXAMPLE / "environments" / name / "values.yaml"), release_overlay(name)])
    return Scenario(name, values, f"mage-{name}", f"mage-{name}")


def ci_scenario(name: str) -> Scenario:
    """Return charts/mage/ci/<name>.yaml, installed as `mage` into the namespace `data`."""
    return Scenario(name, read(CHART / "ci" / f"{name}.yaml"), "mage", "data")


def scenarios() -> Iterator[Scenario]:
    """Yield every scenario."""
    yield from map(environment, ENVIRONMENTS)
    yield from (ci_scenario(path.stem) for path in sorted((CHART / "ci").glob("*.yaml")))
