"""Argo CD in the cluster of a test run, and an Application in it."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import git
from kind.cluster import Cluster, Namespace, eventually, one_at_a_time

ARGOCD = "argocd"
SECONDS = 600  # from a push until what it brought runs
_OWN_CLUSTER = "in-cluster"


def have_argocd(cluster: Cluster) -> Namespace:
    """Return Argo CD's namespace; ARGOCD_INSTALL may name a command that installs it, given the cluster's name."""
    namespace = cluster.namespace(ARGOCD)
    with one_at_a_time("argocd"):
        if not _runs(namespace) and (command := os.environ.get("ARGOCD_INSTALL")):
            words = [*shlex.split(command), cluster.name]
            subprocess.run(words, check=True, env=os.environ | cluster.variables)
        if not _runs(namespace):
            pytest.skip("Argo CD is not in the cluster: install it, or name a command that does in ARGOCD_INSTALL")
        if not _has_applicationsets(namespace):
            _start_applicationsets(namespace)
    return namespace


def look_into(argocd: Namespace, namespace: str) -> None:
    """Let Argo CD look into this namespace, too, and into no other: each takes processor time from other tests."""
    with one_at_a_time("argocd"):
        found = argocd.kubectl("get", "secret", _OWN_CLUSTER, "--ignore-not-found", "--output=json")
        known = base64.b64decode(json.loads(found)["data"]["namespaces"]).decode().split(",") if found else []
        cluster = {
            "name": _OWN_CLUSTER,
            "server": "https://kubernetes.default.svc",
            "config": "{}",
            "clusterResources": "true",
            "namespaces": ",".join(sorted({*known, namespace})),
        }
        label = {"argocd.argoproj.io/secret-type": "cluster"}
        metadata = {"name": _OWN_CLUSTER, "labels": label}
        argocd.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": cluster})


def _runs(argocd: Namespace) -> bool:
    return bool(argocd.get("pods"))


def _has_applicationsets(argocd: Namespace) -> bool:
    return "applicationset-controller" in argocd.kubectl("get", "pods", "--output=yaml")


def _start_applicationsets(argocd: Namespace) -> None:
    """Start the controller of ApplicationSets, where somebody left it out: all of Argo CD is one program."""
    pods = json.loads(argocd.kubectl("get", "pods", "--output=json"))["items"]
    spec = pods[0]["spec"]
    name, labels = "applicationset-controller", {"app.kubernetes.io/name": "applicationset-controller"}
    container = {
        "name": name,
        "image": spec["containers"][-1]["image"],
        "imagePullPolicy": spec["containers"][-1]["imagePullPolicy"],
        "command": ["argocd", "--argocd-repo-server", "127.0.0.1:8081"],  # asked only where a generator reads git
        "env": [
            {"name": "ARGOCD_BINARY_NAME", "value": f"argocd-{name}"},
            {"name": "NAMESPACE", "value": argocd.name},
        ],
    }
    pod = {"serviceAccountName": spec["serviceAccountName"], "containers": [container]}
    has_status = [{"op": "add", "path": "/spec/versions/0/subresources", "value": {"status": {}}}]
    definition = "applicationsets.argoproj.io"
    argocd.kubectl("patch", "crd", definition, "--type=json", f"--patch={json.dumps(has_status)}")
    argocd.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": argocd.name},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }
    )


@dataclass(frozen=True)
class Application:
    """An Application of Argo CD that follows the branch of an environment."""

    argocd: Namespace
    name: str
    clone: Path
    environment: str

    @property
    def status(self) -> dict[str, Any]:
        """What Argo CD says of it."""
        found = self.argocd.kubectl("get", "application", self.name, "--output=json", "--ignore-not-found")
        status: dict[str, Any] = json.loads(found or "{}").get("status", {})
        return status

    def out_of_sync(self) -> list[str]:
        """Return the objects that differ from git."""
        resources = self.status["resources"]
        return [f"{item['kind']}/{item['name']}" for item in resources if item.get("status") == "OutOfSync"]

    def failed(self) -> list[str]:
        """Return the objects that Argo CD names as the reason why the sync fails."""
        results = self.status["operationState"]["syncResult"]["resources"]
        return [f"{each['kind']}/{each['name']}" for each in results if each.get("hookPhase") == "Failed"]

    def look(self, how: str = "normal") -> None:
        """Let Argo CD look at git now, as a git server's webhook does: by itself it looks every three minutes."""
        annotation = f"argocd.argoproj.io/refresh={how}"
        self.argocd.kubectl("annotate", "--overwrite", "application", self.name, annotation)

    def arrive(self) -> None:
        """Let it look, and wait until what the branch holds now runs."""
        self.look()
        commit, _ = git(self.clone, "ls-remote", "origin", f"refs/heads/env/{self.environment}").split()

        def arrived() -> bool:
            status = self.status
            operation = status["operationState"]
            found = [status["sync"]["status"], status["health"]["status"], operation["phase"]]
            assert operation["syncResult"]["revision"] == commit, status.get("conditions")
            assert found == ["Synced", "Healthy", "Succeeded"], operation.get("message")
            return True

        eventually(arrived, "the release installed", SECONDS, pause=2)


def from_git(clone: Path, url: str, environment: str, cluster: Cluster) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the AppProject and the ApplicationSet of gitops/argocd, for the repository and one environment."""
    file = clone / "gitops/argocd/environments.yaml"
    file.write_text(file.read_text().replace("https://git.example.com/data/pipelines.git", url))
    project, applications = yaml.safe_load_all(cluster.kubectl("kustomize", str(file.parent)))
    (generator,) = applications["spec"]["generators"]
    elements = generator["list"]["elements"]
    generator["list"]["elements"] = [each for each in elements if each["environment"] == environment]
    return project, applications


@contextmanager
def following(application: Application, *objects: dict[str, Any]) -> Iterator[Application]:
    """Have the objects that make `application`; remove them in the end."""
    argocd = application.argocd
    argocd.apply(*objects)
    try:
        eventually(lambda: bool(application.status), "Argo CD made the Application", SECONDS)
        yield application
    finally:
        for item in reversed(objects):
            argocd.kubectl("delete", item["kind"], item["metadata"]["name"], "--wait=false")
