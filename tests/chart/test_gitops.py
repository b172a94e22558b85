"""What gitops/ tells Argo CD and Flux to install: each environment's own branch, as the chart renders it."""

from __future__ import annotations

import posixpath
import shutil
import subprocess
from functools import cache
from typing import Any

import pytest
import yaml

from chart.engine import Object, identity, merged
from chart.rendering import Renderer
from chart.scenarios import CHART, ENVIRONMENTS, ROOT, environment, read, release_overlay
from chart.validity import VERSIONS, schema_errors
from helpers import EXAMPLE
from promotion.record.release import FILE, branch_of

FOLDERS = ("argocd", "flux")
KINDS = {"argocd": ["Application"], "flux": ["GitRepository", "HelmRelease"]}

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="there is no kubectl: https://kubernetes.io/docs/tasks/tools"
)


@cache
def built(folder: str) -> list[Object]:
    """Return the objects that `kubectl apply -k` would apply."""
    command = ["kubectl", "kustomize", str(ROOT / "gitops" / folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def one(folder: str, kind: str, name: str) -> dict[str, Any]:
    """Return the spec of the environment's object of a kind."""
    (found,) = (
        item for item in built(folder) if (item["kind"], item["metadata"]["name"]) == (kind, f"mage-{name}")
    )
    spec: dict[str, Any] = found["spec"]
    return spec


def content(path: str, name: str) -> dict[str, Any]:
    """Return a values file of the environment's branch, by its path from the root."""
    if path == FILE:
        return release_overlay(name)
    return read((EXAMPLE if path.startswith("environments/") else ROOT) / path)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_environment_has_its_objects_and_no_other_has(folder: str) -> None:
    assert sorted(map(identity, built(folder))) == sorted(
        (kind, f"mage-{name}") for kind in KINDS[folder] for name in ENVIRONMENTS
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_object_follows_the_schema_of_its_kind(folder: str) -> None:
    assert [error for item in built(folder) for error in schema_errors(item, VERSIONS[-1])] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_repository_is_named_in_one_line(folder: str) -> None:
    lines = [line for file in (ROOT / "gitops" / folder).iterdir() for line in file.read_text().splitlines()]
    assert len([line for line in lines if "https://git.example.com" in line]) == 1


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_argo_cd_follows_the_environments_branch(name: str) -> None:
    assert one("argocd", "Application", name)["source"]["targetRevision"] == branch_of(name)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_flux_follows_the_environments_branch(name: str) -> None:
    source = one("flux", "HelmRelease", name)["chart"]["spec"]["sourceRef"]
    assert source == {"kind": "GitRepository", "name": f"mage-{name}"}
    assert one("flux", "GitRepository", name)["ref"] == {"branch": branch_of(name)}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_argo_cd_renders_what_a_person_would_install(name: str, render: Renderer) -> None:
    spec = one("argocd", "Application", name)
    source = spec["source"]
    assert ROOT / source["path"] == CHART
    paths = [posixpath.normpath(posixpath.join(source["path"], path)) for path in source["helm"]["valueFiles"]]
    values = merged([content(path, name) for path in paths])
    rendered = render(values, release=f"mage-{name}", namespace=spec["destination"]["namespace"])
    assert rendered == render(environment(name).values, release=f"mage-{name}", namespace=name)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_flux_renders_what_a_person_would_install(name: str, render: Renderer) -> None:
    spec = one("flux", "HelmRelease", name)
    chart = spec["chart"]["spec"]
    assert ROOT / chart["chart"] == CHART
    # Flux leaves the chart's own values.yaml out unless it is listed.
    assert ROOT / chart["valuesFiles"][0] == CHART / "values.yaml"
    values = merged([content(path, name) for path in chart["valuesFiles"]])
    rendered = render(values, release=spec["releaseName"], namespace=spec["targetNamespace"])
    assert rendered == render(environment(name).values, release=f"mage-{name}", namespace=name)
