"""Who may talk to whom in each environment, from the rendered NetworkPolicies and labels: the whole matrix."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from chart.engine import Object
from chart.network import Endpoint, allowed
from chart.objects import of_kind, one, pods
from chart.rendering import Renderer
from chart.scenarios import Scenario, ci_scenario, environment

INGRESS = Endpoint("ingress controller", "10.2.0.1", "ingress-nginx", {"app": "ingress"})
NEIGHBOUR = Endpoint("neighbour", "10.2.0.2", "", {"app": "neighbour"})  # in the release's namespace
STRANGER = Endpoint("stranger", "10.2.0.3", "elsewhere", {"app.kubernetes.io/name": "mage"})
INTERNET = Endpoint("internet", "203.0.113.9")
METADATA = Endpoint("cloud metadata", "169.254.169.254")
API = Endpoint("api server", "10.96.0.1")
DNS = Endpoint("dns", "10.2.0.53", "kube-system", {"k8s-app": "kube-dns"})

# What blocks may do, and therefore whatever runs them: a notebook in the web UI runs blocks too.
BLOCKS = {
    *(
        "postgres:5432",
        "dns:53",
        "api server:443",
        "internet:443",
        "stranger:443",
        "stranger:5432",
        "neighbour:8080",
    )
}
# A policy cannot name the API server: whoever needs it may connect to its port anywhere.
API_PORT = {"api server:443", "internet:443", "stranger:443"}
NOBODY: set[str] = set()
MATRIX = {
    "web": BLOCKS,
    "scheduler": BLOCKS,
    "executor": BLOCKS,
    "schedules": {"postgres:5432", "dns:53"},
    "test": {"postgres:5432", "dns:53", "web:6789", *API_PORT},
    "credentials": API_PORT,
    "postgres": NOBODY,
    "ingress controller": NOBODY,
    "neighbour": NOBODY,
    "stranger": NOBODY,
    "internet": NOBODY,
}


def release_pods(objects: list[Object], namespace: str) -> list[Endpoint]:
    """Return one endpoint for each component, executor pods included."""
    found = {
        pod.component: Endpoint(pod.component, "10.1.0.1", namespace, pod.labels, _ports(pod.containers))
        for pod in pods(objects)
    }
    for item in of_kind(objects, "ConfigMap"):
        if "k8s.yaml" in item["data"]:
            labels = yaml.safe_load(item["data"]["k8s.yaml"])["metadata"]["labels"]
            found["executor"] = Endpoint("executor", "10.1.0.2", namespace, labels)
    return list(found.values())


def _ports(containers: list[dict[str, Any]]) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for item in containers for port in item.get("ports", [])}


def matrix(objects: list[Object], namespace: str) -> dict[str, set[str]]:
    """Return, for each source, the `target:port` that it may connect to."""
    policies = of_kind(objects, "NetworkPolicy")
    own = release_pods(objects, namespace)
    neighbour = Endpoint(NEIGHBOUR.name, NEIGHBOUR.address, namespace, NEIGHBOUR.labels)
    targets = [
        *((pod, port, "TCP") for pod in own for port in sorted({*pod.ports.values(), 443, 6789})),
        (DNS, 53, "UDP"),
        (API, 443, "TCP"),
        (INTERNET, 443, "TCP"),
        (METADATA, 80, "TCP"),
        (STRANGER, 443, "TCP"),
        (STRANGER, 5432, "TCP"),
        (neighbour, 8080, "TCP"),
    ]
    sources = [*own, INGRESS, neighbour, STRANGER, INTERNET]
    outside = {endpoint.name for endpoint in (INGRESS, neighbour, STRANGER, INTERNET)}
    return {
        source.name: {
            f"{target.name}:{port}"
            for target, port, protocol in targets
            if source.name != target.name
            and not (source.name in outside and target.name not in {pod.name for pod in own})
            and allowed(policies, source, target, port, protocol)
        }
        for source in sources
    }


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_an_environment_lets_these_talk_and_nobody_else(render: Renderer, name: str) -> None:
    found = matrix(render.scenario(environment(name)), f"mage-{name}")
    expected = dict(MATRIX)
    if "executor" not in found:
        del expected["executor"]
        expected["test"] = expected["test"] - set(API_PORT)  # it has no account to try
    assert found == expected


def test_every_pod_is_under_a_policy_of_its_own(objects: list[Object], scenario: Scenario) -> None:
    if scenario.values.get("networkPolicy", {}).get("enabled", True):
        policies = {policy["metadata"]["name"]: policy for policy in of_kind(objects, "NetworkPolicy")}
        for pod in release_pods(objects, scenario.namespace):
            taking = [
                item
                for item in policies.values()
                if item["spec"]["podSelector"]["matchLabels"].items() <= pod.labels.items()
            ]
            assert [set(item["spec"]["policyTypes"]) for item in taking] == [{"Ingress", "Egress"}], pod.name


def test_an_ingress_controller_that_is_named_reaches_the_web_and_nothing_else(render: Renderer) -> None:
    objects = render.scenario(ci_scenario("ingress"))
    assert matrix(objects, "data")["ingress controller"] == {"web:6789"}


def test_without_policies_everybody_reaches_everything(render: Renderer) -> None:
    objects = render.scenario(ci_scenario("no-network-policy"))
    assert "postgres:5432" in matrix(objects, "data")["internet"]


def test_blocks_reach_only_what_egress_names(render: Renderer) -> None:
    egress = [{"to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}], "ports": [{"port": 443}]}]
    objects = render({"env": "dev", "networkPolicy": {"egress": egress}})
    assert matrix(objects, "data")["scheduler"] == {"postgres:5432", "dns:53", "internet:443"}


def test_with_another_release_beside_it_databases_stay_apart(render: Renderer) -> None:
    values = ci_scenario("executor-k8s").values
    policies = [
        item for release in ("one", "two") for item in of_kind(render(values, release=release), "NetworkPolicy")
    ]
    other = next(pod for pod in release_pods(render(values, release="two"), "data") if pod.name == "scheduler")
    postgres = next(pod for pod in release_pods(render(values, release="one"), "data") if pod.name == "postgres")
    assert not allowed(policies, other, postgres, 5432)


def test_jobs_that_only_wait_for_hooks_have_no_way_in(objects: list[Object]) -> None:
    for policy in of_kind(objects, "NetworkPolicy"):
        component = policy["metadata"]["labels"]["app.kubernetes.io/component"]
        assert ("ingress" in policy["spec"]) == (component in ("web", "postgres")), component
        one(objects, "NetworkPolicy", policy["metadata"]["name"])
