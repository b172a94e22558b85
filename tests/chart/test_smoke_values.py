"""What smoke tests on a cluster install: the target's values without what belongs to its cluster."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from chart.engine import Object
from chart.objects import of_kind, one, pods, walk
from chart.rendering import Renderer
from chart.scenarios import Scenario
from helpers import EXAMPLE, repository_files
from promotion.configuration.connections import read_connections
from promotion.configuration.environment import Environment
from promotion.configuration.policy import Policy
from promotion.pipelines.project import Project
from promotion.repository.tree import tree_of_folder
from promotion.smoke.sandboxes.throw_away import CREDENTIALS, POSTGRES, RELEASE, WEB, throw_away_values

OF_A_CLUSTER = {"Ingress", "HTTPRoute", "ExternalSecret"}


@cache
def example_project() -> Project:
    return Project(tree_of_folder(EXAMPLE, repository_files()))


def smoke_values(values: dict[str, Any]) -> dict[str, Any]:
    connections = read_connections("values.yaml", {"io": {}} | values)
    environment = Environment("prod", *connections, "local", {}, {}, Policy("main", ()))
    return throw_away_values(values, environment, example_project(), "registry.example.com:5000/mage:src-1")


@pytest.fixture(scope="session")
def tried(render: Renderer, scenario: Scenario) -> list[Object]:
    """The objects of a smoke test with the values of the scenario."""
    return render(smoke_values(scenario.values), release=RELEASE, namespace="smoke-prod-1")


def named(objects: list[Object], kind: str) -> set[str]:
    return {item["metadata"]["name"] for item in of_kind(objects, kind)}


def test_what_smoke_tests_talk_to_is_there(tried: list[Object]) -> None:
    assert {WEB, POSTGRES} <= named(tried, "Service")


def test_nothing_is_there_that_a_cluster_may_not_know(tried: list[Object]) -> None:
    assert not of_kind(tried, *OF_A_CLUSTER)
    assert not [path for path, _ in walk(tried) if path[-1:] in (("storageClassName",), ("nodeSelector",))]


def test_every_password_is_the_charts_own(tried: list[Object]) -> None:
    references = [value for path, value in walk(tried) if path[-1:] == ("secretKeyRef",)]
    assert {reference["name"] for reference in references} == {CREDENTIALS}


def test_no_schedule_fires(tried: list[Object]) -> None:
    (schedules,) = one(tried, "ConfigMap", f"{RELEASE}-schedules")["data"].values()
    assert json.loads(schedules) == {}


def test_pods_run_the_image_of_the_tree(tried: list[Object]) -> None:
    images = {container["image"] for pod in pods(tried) for container in pod.spec["containers"]}
    assert images <= {"registry.example.com:5000/mage:src-1", "postgres:18"}


def test_a_laptop_has_room_for_all_pods(tried: list[Object]) -> None:
    requests = [value["memory"] for path, value in walk(tried) if path[-1:] == ("requests",) and "memory" in value]
    assert set(requests) == {"64Mi", "48Mi"}, "the small one is that of the container beside the scheduler"


def test_what_a_pod_may_take_stays_as_it_is(render: Renderer) -> None:
    values = smoke_values({"env": "prod", "web": {"resources": {"limits": {"memory": "3Gi"}}}})
    assert values["web"]["resources"]["limits"] == {"memory": "3Gi"}


def test_profiles_lead_to_databases_of_the_charts_postgres(scenario: Scenario) -> None:
    io = smoke_values(scenario.values)["io"]
    assert {io["settings"]["WAREHOUSE_HOST"], io["settings"]["SOURCE_HOST"]} == {POSTGRES}
    assert io["secrets"]["SOURCE_PASSWORD"] == {"name": CREDENTIALS, "key": "smoke_source-password"}
