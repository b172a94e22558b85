"""The objects of each environment, by kind and name: nothing comes or goes unseen."""

from __future__ import annotations

import pytest

from chart.engine import identity
from chart.rendering import Renderer
from chart.scenarios import environment

ALWAYS = {
    "ConfigMap": "app credentials postgres schedules",
    "Deployment": "web",
    "Job": "credentials schedules",
    "NetworkPolicy": "credentials postgres scheduler schedules test web",
    "PersistentVolumeClaim": "data",
    "Pod": "test-web",
    "Role": "credentials",
    "RoleBinding": "credentials",
    "Service": "postgres web",
    "ServiceAccount": "credentials postgres scheduler schedules test web",
    "StatefulSet": "postgres scheduler",
}
WITH_EXECUTOR_JOBS = {
    "ConfigMap": "executor",
    "NetworkPolicy": "executor",
    "Pod": "test-executor",
    "PodDisruptionBudget": "executor",
    "Role": "scheduler",
    "RoleBinding": "scheduler",
    "ServiceAccount": "executor",
}


def named(inventory: dict[str, str], release: str) -> set[tuple[str, str]]:
    """Return kinds and full names."""
    return {(kind, f"{release}-{name}") for kind, names in inventory.items() for name in names.split()}


@pytest.mark.parametrize(("name", "jobs"), [("dev", False), ("staging", True), ("prod", True)])
def test_an_environment_is_made_of_these_objects(render: Renderer, name: str, jobs: bool) -> None:
    expected = named(ALWAYS, f"mage-{name}") | (named(WITH_EXECUTOR_JOBS, f"mage-{name}") if jobs else set())
    assert {identity(item) for item in render.scenario(environment(name))} == expected
