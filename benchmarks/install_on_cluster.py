#!/usr/bin/env python3
"""Measure an installation of dev, staging and prod on one cluster: time to Ready and memory of every pod.

Uses the current kubectl context; its nodes must have the image (e.g. `kind load docker-image`) and PostgreSQL's.

examples:
  benchmarks/install_on_cluster.py mage:0.9.80            install, test, measure, print a Markdown table
  benchmarks/install_on_cluster.py mage:0.9.80 --remove   and remove the three namespaces afterwards
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from demonstration.example import example_of  # noqa: E402

CHART = ROOT / "charts" / "mage"
ENVIRONMENTS = ("dev", "staging", "prod")
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
# Small enough for three environments on a laptop's one node; limits stay those of each environment.
SMALL = [
    f"{component}.resources.requests.cpu=50m" for component in ("web", "scheduler", "executor", "postgres", "jobs")
] + ["scheduler.resources.requests.memory=512Mi", "web.resources.requests.memory=512Mi"]


@dataclass(frozen=True)
class Pod:
    """One pod: seconds from helm's start and from its own to Ready, mebibytes of its working set."""

    namespace: str
    component: str
    since_helm: float
    since_scheduled: float
    memory: float


def main(image: str, remove: bool = False) -> None:
    """Install one by one, test, measure; print the table. A failing `helm test` ends it with the output."""
    for name in ENVIRONMENTS:
        _prepare(name)
    started = {name: _install(name, image) for name in ENVIRONMENTS}
    for name in ENVIRONMENTS:
        print(_run("helm", "test", f"mage-{name}", "--namespace", name, "--logs"), file=sys.stderr)
    memory = working_sets()
    _print_table([pod for name in ENVIRONMENTS for pod in _pods(name, started[name], memory)])
    if remove:
        _run("kubectl", "delete", "namespace", *ENVIRONMENTS)


def _prepare(name: str) -> None:
    """Make the namespace, and for environments with a warehouse elsewhere a database and its Secrets."""
    _run("kubectl", "create", "namespace", name)
    _run("kubectl", "label", "namespace", name, RESTRICTED)
    if name == "dev":
        return
    password = secrets.token_urlsafe(18)
    for secret in ("mage-warehouse", "mage-source"):
        literal = f"--from-literal=password={password}"
        _run("kubectl", "--namespace", name, "create", "secret", "generic", secret, literal)
    manifest = (Path(__file__).parent / "warehouse.yaml").read_text()
    _run("kubectl", "--namespace", name, "apply", "--filename", "-", stdin=manifest)
    _run("kubectl", "--namespace", name, "rollout", "status", "deployment/warehouse", "--timeout=180s")


def _install(name: str, image: str) -> float:
    """Install one environment beside those that are there; return when helm was started."""
    repository, _, tag = image.rpartition(":")
    values = [
        f"--values={example_of(ROOT)}/environments/{name}/values.yaml",
        f"--set=image.repository={repository}",
    ]
    values += [f"--set-string=image.tag={tag}", *(f"--set-string={value}" for value in SMALL)]
    install = ["helm", "install", f"mage-{name}", str(CHART), f"--namespace={name}", "--wait", "--timeout=10m"]
    started = time.time()
    _run(*install, *values)
    print(f"{name}: helm returned after {time.time() - started:.0f} s", file=sys.stderr)
    return started


def _pods(namespace: str, started: float, memory: Mapping[tuple[str, str], int]) -> Iterator[Pod]:
    found = json.loads(_run("kubectl", "--namespace", namespace, "get", "pods", "--output=json"))["items"]
    for pod in found:
        component = pod["metadata"]["labels"].get("app.kubernetes.io/component")
        if component not in ("web", "scheduler", "postgres"):
            continue
        ready, scheduled = since(pod, "Ready"), since(pod, "PodScheduled")
        mebibytes = memory[namespace, pod["metadata"]["name"]] / 2**20
        yield Pod(namespace, component, ready - started, ready - scheduled, mebibytes)


def since(pod: dict[str, Any], condition: str) -> float:
    """Return when the pod came to this condition, in seconds since 1970."""
    (moment,) = (each["lastTransitionTime"] for each in pod["status"]["conditions"] if each["type"] == condition)
    return float(datetime.fromisoformat(moment).timestamp())


def working_sets() -> dict[tuple[str, str], int]:
    """Return the bytes of each pod's working set, as the kubelets of all nodes tell them."""
    nodes = json.loads(_run("kubectl", "get", "nodes", "--output=json"))["items"]
    found = {}
    for node in nodes:
        path = f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary"
        for pod in json.loads(_run("kubectl", "get", "--raw", path))["pods"]:
            reference = pod["podRef"]["namespace"], pod["podRef"]["name"]
            found[reference] = pod.get("memory", {}).get("workingSetBytes", 0)
    return found


def _print_table(pods: list[Pod]) -> None:
    print("| environment | pod | helm start → Ready, s | scheduled → Ready, s | working set, MiB |")
    print("| --- | --- | --- | --- | --- |")
    for pod in pods:
        times = f"{pod.since_helm:.0f} | {pod.since_scheduled:.0f}"
        print(f"| {pod.namespace} | {pod.component} | {times} | {pod.memory:.0f} |")


def _run(*command: str, stdin: str | None = None) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"`{' '.join(command[:4])} …` failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1], remove="--remove" in sys.argv)
