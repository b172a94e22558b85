"""Who may talk to whom: network policies, tried from pods with the labels that they go by."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import yaml

from kind.cluster import Namespace
from kind.release import Release
from mage_pod.mage_api import MageApi
from mage_pod.release_test import _CLOSED, _ENDPOINTS
from mage_pod.waiting import NotInTime, until

GATEWAY = {"app": "gateway"}  # what networkPolicy.webFrom lets in
TARGETS = {"postgres": 5432, "web": 6789, "scheduler": 6790, "gateway": 8080, "api server": 443}
BLOCKS = {"postgres", "gateway", "api server"}  # networkPolicy.egress leaves blocks the world outside
REACHES: dict[str, set[str]] = {
    "web": BLOCKS,
    "scheduler": BLOCKS,
    "executor": BLOCKS,
    "schedules": {"postgres"},
    "test": {"postgres", "web", "api server"},
    "credentials": {"api server"},
    "neighbour": {"gateway", "api server"},
    "double of the web": BLOCKS,  # labels are the identity: in the namespace they are as good as the web's own
    "double elsewhere": {"gateway", "api server"},
    "gateway": {"web", "api server"},
    "neighbour of the gateway": {"gateway", "api server"},
}
# Not tried: a network that takes what a policy lets out for what it lets in, between two pods of that policy.
UNTRIED = {("double of the web", "web")}
PAIRS = [pair for pair in itertools.product(REACHES, TARGETS) if pair[0] != pair[1] and pair not in UNTRIED]
ALLOWED = [pair for pair in PAIRS if pair[1] in REACHES[pair[0]]]
REFUSED = [pair for pair in PAIRS if pair not in ALLOWED]

_SETTLED = 60  # seconds within which policies hold for a new pod
_CONNECT = """
import json, socket, sys
for name, (address, port) in json.loads(sys.argv[1]).items():
    try:
        socket.create_connection((address, port), timeout=3)
        print(name)
    except OSError:
        pass
"""


@dataclass(frozen=True)
class Place:
    """A container that connections are tried from."""

    namespace: Namespace
    pod: str

    @property
    def address(self) -> str:
        return self.namespace.kubectl("get", "pod", self.pod, "--output=jsonpath={.status.podIP}")

    def connects_to(self, targets: dict[str, tuple[str, int]]) -> set[str]:
        options = ["exec", self.pod, "--container=mage", "--"]
        said = self.namespace.kubectl(*options, "python3", "-c", _CONNECT, json.dumps(targets))
        return {*said.splitlines()}


@dataclass
class Net:
    """The places to try from, the addresses to try, and what was reached."""

    places: dict[str, Place]
    addresses: dict[str, str]
    found: dict[str, set[str]] = field(default_factory=dict)

    def connects(self, source: str, target: str) -> bool:
        if source not in self.found:
            self.found[source] = self._settled(source)
        return target in self.found[source]

    def _settled(self, source: str) -> set[str]:
        """Return what it reaches, once that is as it should be or was given the time to become so."""
        targets = {name: (self.addresses[name], TARGETS[name]) for place, name in PAIRS if place == source}
        look, as_it_should = partial(self.places[source].connects_to, targets), REACHES[source].__eq__
        try:
            return until(look, f"the ways from {source}", _SETTLED, enough=as_it_should, pause=1)
        except NotInTime as late:
            reached: set[str] = late.seen
            return reached


@pytest.fixture(scope="module")
def elsewhere(namespaces: Callable[[str], Namespace]) -> Namespace:
    """A namespace that is not the release's."""
    return namespaces("se-else")


@pytest.fixture(scope="module")
def release(releases: Callable[..., Release], elsewhere: Namespace) -> Release:
    """A release whose web lets in the gateway."""
    peer = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": elsewhere.name}},
        "podSelector": {"matchLabels": GATEWAY},
    }
    values = {
        "env": "dev",
        "executor": {"type": "k8s"},
        "networkPolicy": {"webFrom": [peer]},
        "postgres": {"databases": ["source", "warehouse"]},
    }
    prepared: Release = releases("se-net")
    return prepared.install(values)


@pytest.fixture(scope="module")
def net(release: Release, elsewhere: Namespace) -> Net:
    """A pod for each of those who may not be there when one looks."""
    here = release.namespace
    here.apply(*policies_of_hooks(release))
    labels = executor_labels(release)
    component = "app.kubernetes.io/component"
    places = {name: Place(here, release.pod(name)) for name in ("web", "scheduler", "postgres")}
    for name in ("executor", "schedules", "test", "credentials"):
        places[name] = probe(here, release.image, name, labels | {component: name})
    places["neighbour"] = probe(here, release.image, "neighbour", {"app": "neighbour"})
    for name, namespace in (("double of the web", here), ("double elsewhere", elsewhere)):
        places[name] = probe(namespace, release.image, "double", labels | {component: "web"})
    places["gateway"] = probe(elsewhere, release.image, "gateway", GATEWAY)
    places["neighbour of the gateway"] = probe(elsewhere, release.image, "neighbour", {"app": "neighbour"})
    for place in places.values():
        place.namespace.kubectl(
            "wait", "pod", place.pod, "--for=jsonpath={.status.phase}=Running", "--timeout=180s"
        )
    addresses = {name: places[name].address for name in TARGETS if name in places}
    (api_server,) = release.namespace.cluster.kubectl(
        "get", "service", "kubernetes", "--namespace=default", "--output=jsonpath={.spec.clusterIP}"
    ).split()
    return Net(places, {**addresses, "api server": api_server})


def policies_of_hooks(release: Release) -> list[dict[str, Any]]:
    """The policies that are there while a hook or a test runs only."""
    hooks = yaml.safe_load_all(release.namespace.helm("get", "hooks", release.name))
    return [item for item in hooks if item["kind"] == "NetworkPolicy"]


def executor_labels(release: Release) -> dict[str, str]:
    """The labels that Mage gives executor pods."""
    name = f"configmap/{release.full_name}-executor"
    text = release.namespace.kubectl("get", name, r"--output=jsonpath={.data.k8s\.yaml}")
    labels: dict[str, str] = yaml.safe_load(text)["metadata"]["labels"]
    return labels


def probe(namespace: Namespace, image: str, name: str, labels: dict[str, str]) -> Place:
    """A pod that listens on the gateway's port and is never ready: no Service sends anybody there."""
    container: dict[str, Any] = {
        "name": "mage",
        "image": image,
        "command": ["python3", "-m", "http.server", "8080", "--directory=/tmp"],
        "readinessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 60},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "securityContext": security, "terminationGracePeriodSeconds": 0}
    pod = f"probe-{name}"
    metadata = {"name": pod, "labels": labels}
    namespace.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    return Place(namespace, pod)


@pytest.mark.parametrize(("source", "target"), ALLOWED)
def test_reaches(net: Net, source: str, target: str) -> None:
    assert net.connects(source, target)


@pytest.mark.parametrize(("source", "target"), REFUSED)
def test_does_not_reach(net: Net, source: str, target: str) -> None:
    assert not net.connects(source, target)


@pytest.mark.parametrize("target", sorted(TARGETS.keys() - {"postgres"}))
def test_postgres_does_not_reach(net: Net, release: Release, target: str) -> None:
    attempt = f"timeout 3 bash -c '</dev/tcp/{net.addresses[target]}/{TARGETS[target]}' && echo connected || true"
    assert release.execute("postgres", "bash", "-c", attempt) == ""


@pytest.mark.parametrize("path", [path for paths in _ENDPOINTS.values() for path in paths])
def test_whoever_reaches_the_web_gets_nothing_there_without_a_session(release: Release, path: str) -> None:
    assert MageApi(release.url()).request("GET", path)[0] in _CLOSED
