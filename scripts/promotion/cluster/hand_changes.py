"""Which fields of an environment's objects were set by somebody else than what installs them.

Kubernetes keeps in `metadata.managedFields` who set which field and when:
https://kubernetes.io/docs/reference/using-api/server-side-apply/#managing-fields
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from basics.kubectl import Namespace
from basics.wording import few
from promotion.cluster.state import Object

_KINDS = "deployments,statefulsets,services,configmaps,networkpolicies"
_INSTALLERS = ("helm", "helm-controller", "argocd-controller", "argocd-application-controller")
_KUBERNETES = "kube-"  # how the names of its own controllers begin

Path = tuple[str, ...]


def read_hand_changes(namespace: Namespace, selector: str) -> list[str]:
    """Return a line for each who set fields of the objects that `selector` chooses; raises `CommandError`."""
    objects = namespace.get(_KINDS, f"--selector={selector}", "--show-managed-fields")
    return [line for each in objects for line in hand_changes(each)]


def hand_changes(of: Object) -> Iterator[str]:
    """Yield who set which fields by hand. A field that the installation sets to the same value does not count."""
    entries = [each for each in of["metadata"].get("managedFields", []) if "subresource" not in each]
    installed = {path for each in entries if each["manager"] in _INSTALLERS for path in _paths(each["fieldsV1"])}
    for entry in entries:
        manager = entry["manager"]
        if manager in _INSTALLERS or manager.startswith(_KUBERNETES):
            continue
        if changed := [path for path in _paths(entry["fieldsV1"]) if path not in installed]:
            fields = few([".".join(path) for path in changed])
            yield f"{of['kind']} {of['metadata']['name']}: {manager} set {fields} at {entry['time']}"


def _paths(fields: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    """Yield each field that `fieldsV1` names: `f:` before a key, `k:` before what tells an item of a list."""
    for key, below in fields.items():
        kind, _, name = key.partition(":")
        path = (*above, _item(name) if kind == "k" else name)
        if below:
            yield from _paths(below, path)
        elif key != ".":  # the map itself, also where it is empty
            yield path


def _item(keys: str) -> str:
    return "/".join(str(value) for value in json.loads(keys).values())
