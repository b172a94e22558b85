"""Objects against the schemas of their kinds, offline: those of Kubernetes, and own ones for custom resources."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from kubernetes_validate import utils
from referencing import Registry, Resource

from chart.engine import Object, identity

SCHEMAS = Path(__file__).parent / "schemas"
# The oldest and a new version of Kubernetes that the chart is for.
VERSIONS = ("1.29", "1.34")
# Most objects are the same under other values, and to validate one takes 7 ms.
_KNOWN: dict[tuple[str, str], list[str]] = {}


def schema_errors(item: Object, version: str) -> list[str]:
    """Return what the strict schema of the object's kind has against it, each as `kind/name path: what`."""
    asked = repr(item), version
    if asked not in _KNOWN:
        _KNOWN[asked] = _errors(item, version)
    return _KNOWN[asked]


def _errors(item: Object, version: str) -> list[str]:
    validator = _validator(item["kind"].lower(), item["apiVersion"], version)
    return [
        f"{'/'.join(identity(item))} {'.'.join(map(str, error.absolute_path))}: {error.message}"
        for error in validator.iter_errors(item)
    ]


@cache
def _validator(kind: str, api_version: str, version: str) -> Any:
    own = SCHEMAS / f"{kind}.json"
    if own.exists():
        return jsonschema.Draft7Validator(json.loads(own.read_text()))
    folder = f"kubernetes-json-schema/v{version}.0-local-strict"
    group_and_version = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    schema = utils.schema_contents(f"{folder}/{kind}-{group_and_version}.json", version)
    registry: Registry[Any] = Resource.from_contents(schema) @ Registry()
    return jsonschema.Draft202012Validator(schema, registry=_definitions(folder, version) @ registry)


@cache
def _definitions(folder: str, version: str) -> Resource[Any]:
    return Resource.from_contents(utils.schema_contents(f"{folder}/_definitions.json", version))
