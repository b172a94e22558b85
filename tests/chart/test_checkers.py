"""The checkers of the other tests see what is wrong: each protection is taken away once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from chart.engine import RenderError, objects_in
from chart.network import Endpoint, allowed
from chart.pod_security import violations, writable_roots
from chart.validity import schema_errors

GOOD: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "a",
            "image": "a:1",
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ],
    "volumes": [{"name": "v", "emptyDir": {}}],
}
CONTEXT = GOOD["containers"][0]["securityContext"]


def container(**changes: Any) -> dict[str, Any]:
    """Return the good pod's container with changes to its security context; None removes."""
    context = {key: value for key, value in {**CONTEXT, **changes}.items() if value is not None}
    return {"containers": [{**GOOD["containers"][0], "securityContext": context}]}


def having(**changes: Any) -> dict[str, Any]:
    """Return the good pod's container with more said of it."""
    return {"containers": [{**GOOD["containers"][0], **changes}]}


def pod(**changes: Any) -> dict[str, Any]:
    """Return the good pod with changes to its own security context."""
    return {"securityContext": {**GOOD["securityContext"], **changes}}


def listed(kind: str) -> dict[str, Any]:
    """Return a bare container of a kind."""
    return {kind: [{"name": "bare", "image": "a:1"}]}


def test_a_restricted_pod_passes() -> None:
    assert violations({}, GOOD) == []
    assert writable_roots(GOOD) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"hostNetwork": True}, "pod: hostNetwork"),
        ({"hostPID": True}, "pod: hostPID"),
        ({"hostIPC": True}, "pod: hostIPC"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "pod: volume v"),
        ({"volumes": [{"name": "v", "nfs": {"server": "a", "path": "/"}}]}, "pod: volume v"),
        (pod(sysctls=[{"name": "kernel.msgmax", "value": "1"}]), "pod: sysctl"),
        (pod(runAsUser=0), "pod: runAsUser"),
        (pod(seccompProfile={"type": "Unconfined"}), "pod: seccompProfile"),
        (pod(windowsOptions={"hostProcess": True}), "pod: hostProcess"),
        (pod(seLinuxOptions={"type": "spc_t"}), "pod: seLinuxOptions"),
        (pod(seLinuxOptions={"user": "root"}), "pod: seLinuxOptions"),
        (pod(appArmorProfile={"type": "Unconfined"}), "pod: appArmorProfile"),
        (pod(runAsNonRoot=False), "containers.a: runAsNonRoot"),
        ({"securityContext": {"runAsNonRoot": True}}, "containers.a: no seccompProfile"),
        (container(runAsNonRoot=False), "containers.a: runAsNonRoot"),
        (container(runAsUser=0), "containers.a: runAsUser"),
        (container(privileged=True), "containers.a: privileged"),
        (container(procMount="Unmasked"), "containers.a: procMount"),
        (container(allowPrivilegeEscalation=None), "containers.a: allowPrivilegeEscalation"),
        (container(allowPrivilegeEscalation=True), "containers.a: allowPrivilegeEscalation"),
        (container(capabilities=None), "containers.a: capabilities do not drop"),
        (container(capabilities={"drop": ["NET_RAW"]}), "containers.a: capabilities do not drop"),
        (container(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}), "containers.a: capabilities add"),
        (container(seccompProfile={"type": "Unconfined"}), "containers.a: seccompProfile"),
        (having(ports=[{"containerPort": 1, "hostPort": 1}]), "containers.a: hostPort"),
        (having(livenessProbe={"httpGet": {"host": "x"}}), "containers.a: a probe"),
        (listed("initContainers"), "initContainers.bare: allowPrivilegeEscalation"),
        (listed("ephemeralContainers"), "ephemeralContainers.bare: capabilities do not drop"),
    ],
)
def test_a_pod_that_is_not_restricted_is_found(change: dict[str, Any], expected: str) -> None:
    assert any(found.startswith(expected) for found in violations({}, GOOD | change))


def test_an_annotation_that_switches_apparmor_off_is_found() -> None:
    annotations = {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}
    assert violations({"annotations": annotations}, GOOD) == ["pod: AppArmor profile unconfined"]


@pytest.mark.parametrize(
    "change", [container(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}), pod(runAsUser=1)]
)
def test_what_the_standard_allows_passes(change: dict[str, Any]) -> None:
    assert violations({}, GOOD | change) == []


def test_a_container_may_say_itself_what_the_pod_does_not() -> None:
    own = container(runAsNonRoot=True, seccompProfile={"type": "RuntimeDefault"})
    assert violations({}, GOOD | own | {"securityContext": {}}) == []


def test_a_writable_root_is_found() -> None:
    assert writable_roots(GOOD | container(readOnlyRootFilesystem=False)) == ["containers.a"]


DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a"},
    "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}},
    },
}


def test_a_valid_object_passes() -> None:
    assert schema_errors(DEPLOYMENT, "1.34") == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda item: item["spec"].pop("selector"), "'selector' is a required property"),
        (lambda item: item["spec"].update(replica=1), "'replica' was unexpected"),
        (lambda item: item["spec"].update(replicas="1"), "'1' is not of type 'integer'"),
        (lambda item: item["metadata"].update(labels={"a": 1}), "1 is not of type 'string'"),
        (
            lambda item: item["spec"]["template"]["spec"]["containers"][0].update(env=[{"value": "1"}]),
            "'name' is a required",
        ),
    ],
)
def test_an_invalid_object_is_found(change: Callable[[dict[str, Any]], None], expected: str) -> None:
    item = copy.deepcopy(DEPLOYMENT)
    change(item)
    assert any(expected in error for error in schema_errors(item, "1.34"))


def test_an_invalid_custom_resource_is_found() -> None:
    item = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "a"},
        "spec": {},
    }
    assert any("secretStoreRef" in error for error in schema_errors(item, "1.34"))


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(RenderError, match="given twice: a"):
        objects_in("a: 1\na: 2\n")


WEB = Endpoint("web", "10.0.0.1", "data", {"app": "web"}, {"http": 80})
DATABASE = Endpoint("database", "10.0.0.2", "data", {"app": "db"}, {"sql": 5432})
OUTSIDER = Endpoint("outsider", "10.0.0.3", "other", {"app": "web"})
WORLD = Endpoint("world", "198.51.100.1")


def policy(**spec: Any) -> dict[str, Any]:
    """Return a policy for the database."""
    return {"metadata": {"name": "p"}, "spec": {"podSelector": {"matchLabels": {"app": "db"}}, **spec}}


def ingress(*peers: dict[str, Any], ports: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return a policy with one rule for who comes in."""
    rule = {"from": list(peers)} | ({"ports": ports} if ports else {})
    return policy(policyTypes=["Ingress"], ingress=[rule])


def where(operator: str, *values: str) -> dict[str, Any]:
    """Return the peers whose label `app` meets a condition."""
    return {"podSelector": {"matchExpressions": [{"key": "app", "operator": operator, "values": list(values)}]}}


FROM_WEB = {"podSelector": {"matchLabels": {"app": "web"}}}


@pytest.mark.parametrize(
    ("policies", "source", "target", "port", "expected"),
    [
        ([], WORLD, DATABASE, 5432, True),
        ([policy(policyTypes=["Ingress"])], WEB, DATABASE, 5432, False),
        ([policy()], WEB, DATABASE, 5432, False),
        ([policy()], DATABASE, WORLD, 443, True),
        ([policy(policyTypes=["Egress"])], DATABASE, WORLD, 443, False),
        ([policy(policyTypes=["Egress"])], WEB, DATABASE, 5432, True),
        ([policy(policyTypes=["Egress"], egress=[{}])], DATABASE, WORLD, 443, True),
        ([ingress(FROM_WEB)], WEB, DATABASE, 5432, True),
        ([ingress(FROM_WEB)], OUTSIDER, DATABASE, 5432, False),
        ([ingress({"namespaceSelector": {}})], OUTSIDER, DATABASE, 5432, True),
        ([ingress({"namespaceSelector": {}})], WORLD, DATABASE, 5432, False),
        ([ingress({"namespaceSelector": {}, **FROM_WEB})], OUTSIDER, DATABASE, 5432, True),
        (
            [ingress({"namespaceSelector": {"matchLabels": {"a": "b"}}, **FROM_WEB})],
            OUTSIDER,
            DATABASE,
            5432,
            False,
        ),
        ([ingress(FROM_WEB, ports=[{"port": "sql"}])], WEB, DATABASE, 5432, True),
        ([ingress(FROM_WEB, ports=[{"port": "sql"}])], WEB, DATABASE, 5433, False),
        ([ingress(FROM_WEB, ports=[{"port": 5000, "endPort": 6000}])], WEB, DATABASE, 5432, True),
        ([ingress(FROM_WEB, ports=[{"port": 5432, "protocol": "UDP"}])], WEB, DATABASE, 5432, False),
        ([ingress({"ipBlock": {"cidr": "198.51.100.0/24"}})], WORLD, DATABASE, 5432, True),
        (
            [ingress({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["198.51.100.0/24"]}})],
            WORLD,
            DATABASE,
            5432,
            False,
        ),
        ([policy(), ingress(FROM_WEB)], WEB, DATABASE, 5432, True),
        ([ingress(where("NotIn", "web"))], WEB, DATABASE, 5432, False),
        ([ingress(where("Exists"))], WEB, DATABASE, 5432, True),
        ([ingress(where("DoesNotExist"))], WEB, DATABASE, 5432, False),
    ],
)
def test_policies_are_read_as_kubernetes_reads_them(
    policies: list[dict[str, Any]], source: Endpoint, target: Endpoint, port: int, expected: bool
) -> None:
    assert allowed(policies, source, target, port) is expected
