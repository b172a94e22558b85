"""An upgrade of the chart keeps what Kubernetes cannot change and what holds data."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from chart import identity
from chart.identity import current, identities, newest, version_of
from chart.rendering import Renderer, changed
from chart.scenarios import CHART, ENVIRONMENTS, environment


@pytest.fixture(scope="module")
def snapshot() -> dict[str, Any]:
    """The identities of the newest version that has some."""
    content = yaml.safe_load(newest().read_text())
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_upgrade_keeps_selectors_claims_services_and_names(
    render: Renderer, snapshot: dict[str, Any], name: str
) -> None:
    now, then = current(render)[name], snapshot[name]
    now["objects"] = [item for item in now["objects"] if item in then["objects"]]  # more of them do no harm
    assert now == then, f"an upgrade would fail or lose data: see {identity.__file__}"


def test_the_newest_snapshot_is_no_newer_than_the_chart() -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    assert version_of(newest()) <= tuple(int(part) for part in version.split("."))


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("StatefulSet", "mage-dev-scheduler", ("metadata", "name"), "mage-dev-runner"),
        ("Deployment", "mage-dev-web", ("spec", "selector", "matchLabels"), {"app": "web"}),
        ("StatefulSet", "mage-dev-postgres", ("spec", "volumeClaimTemplates", 0, "metadata", "name"), "storage"),
        ("StatefulSet", "mage-dev-postgres", ("spec", "serviceName"), "other"),
        ("PersistentVolumeClaim", "mage-dev-data", ("spec", "accessModes"), ["ReadWriteMany"]),
        ("Service", "mage-dev-postgres", ("spec", "ports", 0, "port"), 5433),
    ],
)
def test_a_change_of_identity_is_seen(
    render: Renderer, kind: str, name: str, path: tuple[str | int, ...], value: object
) -> None:
    objects = render.scenario(environment("dev"))
    assert identities(changed(objects, kind, name, *path, to=value)) != identities(objects)
