"""Who may talk to whom: NetworkPolicies applied to pods and addresses, as Kubernetes applies them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chart.engine import Object

NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Endpoint:
    """A pod with labels in a namespace, or (without a namespace) an address outside of the cluster."""

    name: str
    address: str
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    ports: Mapping[str, int] = field(default_factory=dict, compare=False)  # by name


def allowed(
    policies: Sequence[Object], source: Endpoint, target: Endpoint, port: int, protocol: str = "TCP"
) -> bool:
    """Tell whether `source` may open a connection to `port` of `target`."""
    asked = (port, protocol)
    return _side(policies, "egress", "to", source, target, target, asked) and _side(
        policies, "ingress", "from", target, source, target, asked
    )


def _side(
    policies: Sequence[Object],
    direction: str,
    peers_key: str,
    here: Endpoint,
    there: Endpoint,
    listener: Endpoint,
    asked: tuple[int, str],
) -> bool:
    """Tell whether the policies for `here` let it have traffic with `there` in `direction`; none means all."""
    isolating = [policy for policy in policies if _isolates(policy, here, direction.capitalize())]
    rules = [(policy, rule) for policy in isolating for rule in policy["spec"].get(direction) or []]
    return not isolating or any(
        _peers_match(rule.get(peers_key), there, policy["metadata"].get("namespace", here.namespace))
        and _ports_match(rule.get("ports"), listener, asked)
        for policy, rule in rules
    )


def _isolates(policy: Object, endpoint: Endpoint, policy_type: str) -> bool:
    spec = policy["spec"]
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]
    namespace = policy["metadata"].get("namespace", endpoint.namespace)
    return (
        endpoint.namespace is not None
        and namespace == endpoint.namespace
        and policy_type in types
        and selects(spec.get("podSelector") or {}, endpoint.labels)
    )


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector, an empty one included, takes something with these labels."""
    equal = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return equal and all(_holds(condition, labels) for condition in selector.get("matchExpressions") or [])


def _holds(condition: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = condition["key"], condition.get("values") or []
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[condition["operator"]]


def _peers_match(peers: Sequence[Mapping[str, Any]] | None, endpoint: Endpoint, home: str | None) -> bool:
    return not peers or any(_peer_matches(peer, endpoint, home) for peer in peers)


def _peer_matches(peer: Mapping[str, Any], endpoint: Endpoint, home: str | None) -> bool:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        return _within(endpoint.address, block["cidr"]) and not any(
            _within(endpoint.address, cidr) for cidr in block.get("except") or []
        )
    if endpoint.namespace is None:
        return False
    if "namespaceSelector" in peer:
        in_namespace = selects(peer["namespaceSelector"] or {}, {NAMESPACE_LABEL: endpoint.namespace})
    else:
        in_namespace = endpoint.namespace == home
    return in_namespace and selects(peer.get("podSelector") or {}, endpoint.labels)


def _within(address: str, cidr: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr)


def _ports_match(ports: Sequence[Mapping[str, Any]] | None, listener: Endpoint, asked: tuple[int, str]) -> bool:
    return not ports or any(_port_matches(port, listener, asked) for port in ports)


def _port_matches(port: Mapping[str, Any], listener: Endpoint, asked: tuple[int, str]) -> bool:
    number, protocol = asked
    if port.get("protocol", "TCP") != protocol:
        return False
    first: int | str | None = port.get("port")
    if first is None or isinstance(first, str):
        return first is None or listener.ports.get(first) == number
    last: int = port.get("endPort", first)
    return first <= number <= last
