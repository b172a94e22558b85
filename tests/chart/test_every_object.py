"""What holds for each rendered object of each scenario."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from chart.engine import Engine, Object, Wheel, identity
from chart.objects import HOOK, of_kind, one, pods
from chart.rendering import Renderer
from chart.scenarios import Scenario, ci_scenario
from chart.validity import VERSIONS, schema_errors

# What Kubernetes, Helm or Mage add to a name must still fit: Mage's Jobs end in `-data-prep-block-<number>`.
LONGEST_NAME = 63
NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
RECOMMENDED = {f"app.kubernetes.io/{key}" for key in ("name", "instance", "component", "version", "managed-by")}


@pytest.mark.parametrize("version", VERSIONS)
def test_is_valid_for_kubernetes(objects: list[Object], version: str) -> None:
    assert [error for item in objects for error in schema_errors(item, version)] == []


def test_passes_helm_lint_strict(engine: Engine, render: Renderer, scenario: Scenario) -> None:
    assert engine.lint(render.chart, scenario.values) == []


def test_rendered_again_is_the_same_text(engine: Engine, render: Renderer, scenario: Scenario) -> None:
    again = engine.template(render.chart, scenario.values, scenario.release, scenario.namespace)
    assert again == render.text(scenario.values, release=scenario.release, namespace=scenario.namespace)


def test_is_there_once(objects: list[Object]) -> None:
    counts = Counter(identity(item) for item in objects)
    assert [name for name, count in counts.items() if count > 1] == []


def test_has_a_name_that_fits(objects: list[Object]) -> None:
    names = [item["metadata"]["name"] for item in objects]
    assert [name for name in names if len(name) > LONGEST_NAME or not NAME.fullmatch(name)] == []


def test_carries_the_recommended_labels(objects: list[Object], scenario: Scenario) -> None:
    own = [item for item in objects if item["metadata"]["name"] != f"{scenario.release}-extra"]
    assert [identity(item) for item in own if RECOMMENDED - item["metadata"].get("labels", {}).keys()] == []


def test_leaves_the_namespace_to_helm(objects: list[Object]) -> None:
    assert [identity(item) for item in objects if "namespace" in item["metadata"]] == []


def test_is_namespaced(objects: list[Object]) -> None:
    cluster_wide = {
        "ClusterRole",
        "ClusterRoleBinding",
        "PersistentVolume",
        "Namespace",
        "StorageClass",
        "PriorityClass",
    }
    assert [identity(item) for item in objects if item["kind"] in cluster_wide] == []


def test_a_service_reaches_the_pods_that_it_is_for(objects: list[Object]) -> None:
    for service in of_kind(objects, "Service"):
        selector, component = (
            service["spec"]["selector"],
            service["metadata"]["labels"]["app.kubernetes.io/component"],
        )
        reached = [pod for pod in pods(objects) if selector.items() <= pod.labels.items()]
        assert {pod.component for pod in reached} == {component}
        listening = {port["name"] for pod in reached for item in pod.containers for port in item.get("ports", [])}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= listening


def test_an_entrance_leads_to_a_port_of_a_service(objects: list[Object]) -> None:
    for backend in _backends(objects):
        ports = one(objects, "Service", backend["name"])["spec"]["ports"]
        assert backend["port"] in [{"name": port["name"]} for port in ports] + [port["port"] for port in ports]


def _backends(objects: list[Object]) -> list[Object]:
    ingresses = [
        path["backend"]["service"]
        for item in of_kind(objects, "Ingress")
        for rule in item["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]
    routes = [
        backend
        for item in of_kind(objects, "HTTPRoute")
        for rule in item["spec"]["rules"]
        for backend in rule["backendRefs"]
    ]
    return ingresses + routes


def test_a_selector_takes_its_own_pods_and_no_others(objects: list[Object]) -> None:
    for owner in of_kind(objects, "Deployment", "StatefulSet"):
        selector = owner["spec"]["selector"]["matchLabels"]
        assert {pod.name for pod in pods(objects) if selector.items() <= pod.labels.items()} == {
            "/".join(identity(owner))
        }


def test_a_role_is_bound_to_an_account_that_exists(objects: list[Object]) -> None:
    for binding in of_kind(objects, "RoleBinding"):
        one(objects, "Role", binding["roleRef"]["name"])
        for subject in binding["subjects"]:
            one(objects, subject["kind"], subject["name"])


def test_a_hook_that_runs_first_needs_only_objects_of_its_time(objects: list[Object]) -> None:
    early = [item for item in objects if "pre-install" in item["metadata"].get("annotations", {}).get(HOOK, "")]
    names = {(item["kind"], item["metadata"]["name"]) for item in early}
    for pod in pods(early):
        needed = {("ServiceAccount", pod.spec["serviceAccountName"])}
        needed |= {
            ("ConfigMap", volume["configMap"]["name"]) for volume in pod.spec["volumes"] if "configMap" in volume
        }
        assert needed <= names


def test_two_releases_in_one_namespace_share_nothing(render: Renderer) -> None:
    values = ci_scenario("everything").values
    first = {identity(item) for item in render(values, release="mage-one")}
    second = {identity(item) for item in render(values, release="two")}
    shared = first & second
    assert shared == set()


def test_a_long_release_name_still_gives_names_that_fit(render: Renderer) -> None:
    objects = render(ci_scenario("everything").values, release="r" * 53)
    assert [item["metadata"]["name"] for item in objects if len(item["metadata"]["name"]) > LONGEST_NAME] == []


def test_notes_are_short_and_name_what_to_do(engine: Wheel, render: Renderer, scenario: Scenario) -> None:
    files = engine.files(render.chart, scenario.values, scenario.release, scenario.namespace)
    notes = files["mage/templates/NOTES.txt"].strip().splitlines()
    assert len(notes) <= 30
    assert any("helm" in line and "test" in line for line in notes)
