#!/usr/bin/env python3
"""Measure one release on a cluster: its start, runs' latency and throughput, blocks as Jobs, and memory.

Uses the current kubectl context; its nodes must have the image, PostgreSQL's, and a plain image of Mage (`pip
install mage-ai psycopg2-binary`), whose own start is measured beside ours. As in an installation at
a company, database, volume and credentials exist before.

examples:
  benchmarks/times_on_cluster.py mage:0.9.80 plain-mage:0.9.80       the chart's defaults
  benchmarks/times_on_cluster.py mage:0.9.80 plain-mage:0.9.80 10    Mage's own interval of the scheduler, seconds
"""

from __future__ import annotations

import base64
import os
import secrets
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in (".", "tests", "scripts", "charts/mage/files")]

from benchmarks.install_on_cluster import since, working_sets  # noqa: E402
from kind.cluster import Cluster, Namespace, eventually, make_namespace  # noqa: E402
from kind.environments import stand_in  # noqa: E402
from kind.release import Release, mounted_project  # noqa: E402
from mage.projects import Block, write_project  # noqa: E402
from mage_pod import mage_runs  # noqa: E402

TIMES = 3  # each measurement
RUNS = 100
WAIT = 600  # seconds, for anything
_CODE = "@custom\ndef nothing(*args, **kwargs):\n    return [1]\n"
PIPELINES = {
    "two_blocks": [Block("first", _CODE, type="custom"), Block("second", _CODE, ["first"], type="custom")],
    "one_block": [Block("only", _CODE, type="custom")],
}
_PLAIN = "cd /tmp && mage init plain >/dev/null && exec mage start plain"


def main(image: str, plain: str, interval: str = "2") -> None:
    """Measure in a namespace of its own, and print a Markdown table."""
    kubeconfig = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
    namespace = make_namespace(Cluster("benchmark", kubeconfig), "nu-times")
    release = Release(namespace, image)
    try:
        _print_table(_measured(release, plain, int(interval)))
    finally:
        release.close()
        namespace.cluster.kubectl("delete", "namespace", namespace.name, "--wait=false")


def _measured(release: Release, plain: str, interval: int) -> dict[str, list[float]]:
    """Return what was measured, by its name with its unit."""
    _have_database(release.namespace)
    _have_credentials(release)
    values = _values(release) | {"scheduler": {"interval": interval}}
    found: dict[str, list[float]] = {}
    _start(release, values)  # makes the volume, which is kept
    starts = []
    for _ in range(TIMES):
        release.uninstall()
        starts.append(_start(release, values))
    found["helm start to web Ready, s"], found["web: scheduled to Ready, s"] = map(list, zip(*starts, strict=True))
    found["plain image: scheduled to Ready, s"] = [_plain_start(release.namespace, plain) for _ in range(TIMES)]
    found["web and scheduler idle, MiB"] = [_memory(release)]
    found["trigger to completed, two blocks, s"] = _repeated(lambda: _latency(release))
    found["runs of one block a minute"] = [_throughput(release)]
    release.upgrade({"executor": {"type": "k8s"}})
    found["a block as a Job, s"] = _repeated(lambda: _job(release))
    return found


def _repeated(measure: Callable[[], float]) -> list[float]:
    measure()  # what only a first run needs
    return [measure() for _ in range(TIMES)]


def _have_database(namespace: Namespace) -> None:
    stand_in(namespace)
    namespace.kubectl("rollout", "status", "deployment/warehouse", "--timeout=300s")


def _have_credentials(release: Release) -> None:
    keys = {name: secrets.token_urlsafe(24) for name in ("owner-password", "jwt-secret", "jwt-download-secret")}
    fernet = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    more = {"secrets-key": fernet, "secrets-uuid": secrets.token_hex(16)}
    release.namespace.make_secret(f"{release.full_name}-credentials", **keys, **more)


def _values(release: Release) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        project = write_project(Path(folder), PIPELINES)
        (project / "io_config.yaml").unlink()
        mounted = mounted_project(release.namespace, project)
    return mounted | {
        "env": "dev",
        "postgres": {"enabled": False},
        "credentials": {"existingSecret": f"{release.full_name}-credentials"},
    }


def _new_database(namespace: Namespace) -> dict[str, Any]:
    """Make an empty database; return the part of the values that names it."""
    name = f"mage_{secrets.token_hex(3)}"
    _sql(namespace, "postgres", f"CREATE DATABASE {name}")
    passwords = {"passwordSecret": {"name": "mage-warehouse"}}
    return {"external": {"host": "warehouse", "name": name, "sslMode": "disable"} | passwords}


def _sql(namespace: Namespace, database: str, question: str) -> str:
    psql = ["psql", "--username=mage", f"--dbname={database}", "--no-align", "--tuples-only"]
    return namespace.kubectl("exec", "deployment/warehouse", "--", *psql, f"--command={question}").strip()


def _start(release: Release, values: dict[str, Any]) -> tuple[float, float]:
    """Install on an empty database; return the web's seconds to Ready, from helm's start and from its own."""
    database = _new_database(release.namespace)
    begun = time.time()
    helm = threading.Thread(target=release.install, args=(values, {"database": database}))
    helm.start()

    def ready() -> dict[str, Any] | None:
        return next(filter(_is_ready, release.pods("web")), None)

    pod = eventually(ready, "a web that is ready", WAIT, pause=0.1)
    seconds = time.time() - begun
    helm.join()
    return seconds, since(pod, "Ready") - since(pod, "PodScheduled")


def _is_ready(pod: dict[str, Any]) -> bool:
    """Whether `pod` serves: one that ends may still say that it is ready."""
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True"


def _plain_start(namespace: Namespace, image: str) -> float:
    """Start a plain Mage, on an empty database; return the seconds from scheduled to Ready."""
    namespace.apply(_plain_pod(namespace, image))
    namespace.kubectl("wait", "pod/plain", "--for=condition=Ready", f"--timeout={WAIT}s")
    (pod,) = namespace.get("pods", "--selector=app=plain")
    namespace.kubectl("delete", "pod", "plain", "--grace-period=0", "--force")
    return since(pod, "Ready") - since(pod, "PodScheduled")


def _plain_pod(namespace: Namespace, image: str) -> dict[str, Any]:
    name = _new_database(namespace)["external"]["name"]
    password = {"secretKeyRef": {"name": "mage-warehouse", "key": "password"}}
    url = f"postgresql+psycopg2://mage:$(PASSWORD)@warehouse:5432/{name}"
    container = {
        "name": "mage",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", _PLAIN],
        "env": [
            {"name": "PASSWORD", "valueFrom": password},
            {"name": "MAGE_DATABASE_CONNECTION_URL", "value": url},
            {"name": "HOME", "value": "/tmp"},
        ],
        "readinessProbe": {"httpGet": {"path": "/api/status", "port": 6789}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    security = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "securityContext": security, "volumes": [{"name": "tmp", "emptyDir": {}}]}
    metadata = {"name": "plain", "labels": {"app": "plain"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _memory(release: Release) -> float:
    """Return the MiB of the working sets of web and scheduler together."""
    time.sleep(30)  # the kubelet looks every 10 s or more
    sets = working_sets()
    return sum(sets[release.namespace.name, release.pod(name)] for name in ("web", "scheduler")) / 2**20


def _latency(release: Release) -> float:
    """Return the seconds from asking for a run of two blocks to its end."""
    api = release.api()
    trigger = mage_runs.make_trigger(api, "two_blocks", "benchmark", WAIT)
    begun = time.time()
    run = mage_runs.ended(api, mage_runs.start(api, trigger), WAIT)
    return _moment(run["completed_at"]) - begun


def _job(release: Release) -> float:
    """Return the seconds from the start of a block that is a Job to its end."""
    (block,) = release.run("one_block", seconds=WAIT)["block_runs"]
    return _moment(block["completed_at"]) - _moment(block["started_at"])


def _moment(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _throughput(release: Release) -> float:
    """Ask for many runs in one go; return how many end in a minute."""
    api = release.api()
    trigger = mage_runs.make_trigger(api, "one_block", "benchmark", WAIT)
    begun = time.time()
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda _: mage_runs.start(api, trigger), range(RUNS)))
    ends = [_moment(mage_runs.ended(api, number, WAIT)["completed_at"]) for number in numbers]
    return RUNS / (max(ends) - begun) * 60


def _print_table(found: dict[str, list[float]]) -> None:
    print("| what | median | all |\n| --- | ---: | --- |")
    for name, values in found.items():
        print(f"| {name} | {statistics.median(values):.1f} | {', '.join(f'{value:.1f}' for value in values)} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
