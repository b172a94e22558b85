"""What may not change between versions of the chart, because Kubernetes refuses it or data would be lost.

Names, selectors, claim templates and services' names of each environment, kept in identity/<version>.yaml. Written
for a new version of the chart in the same commit, and again when an environment that is not installed changes:

    PYTHONPATH=scripts:tests .venv/bin/python -m chart.identity
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from chart.engine import Object, Wheel
from chart.objects import HOOK, of_kind
from chart.rendering import Renderer
from chart.scenarios import CHART, ENVIRONMENTS, environment

SNAPSHOTS = Path(__file__).parent / "identity"


def identities(objects: Sequence[Object]) -> dict[str, Any]:
    """Return what has to stay as it is."""
    lasting = [item for item in objects if HOOK not in item["metadata"].get("annotations", {})]
    workloads = of_kind(lasting, "Deployment", "StatefulSet")
    return {
        "objects": [f"{item['kind']}/{item['metadata']['name']}" for item in lasting],
        "workloads": {
            f"{item['kind']}/{item['metadata']['name']}": _of_workload(item["spec"]) for item in workloads
        },
        "services": {item["metadata"]["name"]: _of_service(item["spec"]) for item in of_kind(lasting, "Service")},
        "claims": {
            item["metadata"]["name"]: item["spec"]["accessModes"]
            for item in of_kind(lasting, "PersistentVolumeClaim")
        },
    }


def _of_workload(spec: dict[str, Any]) -> dict[str, Any]:
    claims = {item["metadata"]["name"]: _of_claim(item["spec"]) for item in spec.get("volumeClaimTemplates", [])}
    fixed = {"selector": spec["selector"], "serviceName": spec.get("serviceName"), "claims": claims}
    return {key: value for key, value in fixed.items() if value}


def _of_service(spec: dict[str, Any]) -> dict[str, Any]:
    return {"selector": spec["selector"], "ports": [port["port"] for port in spec["ports"]]}


def _of_claim(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: spec[key] for key in ("accessModes", "storageClassName", "resources") if key in spec}


def current(render: Renderer) -> dict[str, Any]:
    """Return the identities of all environments as the chart renders them now."""
    return {name: identities(render.scenario(environment(name))) for name in ENVIRONMENTS}


def version_of(path: Path) -> tuple[int, ...]:
    """Return the version in a snapshot's name, to sort by."""
    return tuple(int(part) for part in path.stem.split("."))


def newest() -> Path:
    """Return the snapshot of the newest version."""
    return max(SNAPSHOTS.glob("*.yaml"), key=version_of)


def main() -> None:
    """Write the snapshot of the version that Chart.yaml names."""
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    path = SNAPSHOTS / f"{version}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(current(Renderer(Wheel())), sort_keys=False, width=110))
    print(path)


if __name__ == "__main__":
    main()
