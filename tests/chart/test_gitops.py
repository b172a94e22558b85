"""What gitops/ has Argo CD and Flux install: each environment's branch, as the chart renders it; what CI may."""

from __future__ import annotations

import posixpath
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest
import yaml

from chart.engine import Object, identity, merged
from chart.rendering import Renderer
from chart.scenarios import CHART, ENVIRONMENTS, ROOT, environment, read, release_overlay, scenarios
from chart.validity import VERSIONS, schema_errors
from helpers import EXAMPLE
from promotion.record.release import FILE, branch_of

FOLDERS = ("argocd", "flux")
COMPONENT = "app.kubernetes.io/component"
KINDS = {"argocd": ["Application"], "flux": ["GitRepository", "HelmRelease"]}

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="there is no kubectl: https://kubernetes.io/docs/tasks/tools"
)


@cache
def applied(folder: str) -> list[Object]:
    """Return the objects that `kubectl apply -k` would apply."""
    command = ["kubectl", "kustomize", str(ROOT / "gitops" / folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def built(folder: str) -> list[Object]:
    """Return what installs the environments: what is applied, or what Argo CD's ApplicationSet makes of itself."""
    if folder == "flux":
        return applied(folder)
    _, applications = applied(folder)
    (generator,) = applications["spec"]["generators"]
    return [_application(applications["spec"]["template"], element) for element in generator["list"]["elements"]]


def _application(template: dict[str, Any], element: dict[str, str]) -> Object:
    text = yaml.safe_dump(template)
    for name, value in element.items():
        text = text.replace("{{." + name + "}}", value)
    found: Object = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"} | yaml.safe_load(text)
    found["metadata"]["namespace"] = "argocd"  # the ApplicationSet's own
    return found


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
    items = [*applied(folder), *built(folder)]
    assert [error for item in items for error in schema_errors(item, VERSIONS[-1])] == []


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


@pytest.fixture(scope="module")
def rendered(render: Renderer) -> list[Object]:
    """Whatever the chart may have."""
    return [item for each in scenarios() for item in render.scenario(each)]


def kinds_of(rendered: list[Object]) -> set[tuple[str, str]]:
    """Return the groups and kinds of objects."""
    return {(item["apiVersion"].rpartition("/")[0].split("/")[0], item["kind"]) for item in rendered}


def test_argo_cd_may_install_what_the_chart_has_and_nothing_else(rendered: list[Object]) -> None:
    project, _ = applied("argocd")
    allowed = {(each["group"], each["kind"]) for each in project["spec"]["namespaceResourceWhitelist"]}
    assert allowed == kinds_of(rendered) - {("", "Pod")}  # of `helm test`, which Argo CD never runs


@pytest.fixture(scope="module")
def deployed(rendered: list[Object]) -> list[Object]:
    """Whatever an environment may have: a preview ends by itself, with rights that no environment has."""
    return [item for item in rendered if item["metadata"].get("labels", {}).get(COMPONENT) != "preview"]


def test_ci_may_install_what_an_environment_has_and_nothing_else(deployed: list[Object]) -> None:
    allowed = {(group, resource) for group, resource, verb in rights(deployer()) if verb == "create"}
    assert allowed == {(group, plural(kind)) for group, kind in kinds_of(deployed)} | {("", "secrets")}  # of Helm


def test_ci_has_each_right_that_it_gives(deployed: list[Object]) -> None:
    given = [right for item in deployed if item["kind"] == "Role" for right in rights(item)]
    assert given
    assert set(given) <= set(rights(deployer()))  # otherwise the cluster does not let it make the Role


def deployer() -> Object:
    """Return the Role of a job of CI that deploys."""
    found: Object = yaml.safe_load((ROOT / "gitops/ci/deployer.yaml").read_text())
    return found


def rights(role: Object) -> Iterator[tuple[str, str, str]]:
    """Yield group, resource and verb of all that a Role allows."""
    for rule in role["rules"]:
        yield from product(rule["apiGroups"], rule["resources"], rule["verbs"])


def plural(kind: str) -> str:
    """Return the name of a kind's resource."""
    name = kind.lower()
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}es" if name.endswith("s") else f"{name}s"


def test_argo_cd_may_install_from_this_repository_into_the_environments_only() -> None:
    project, _ = applied("argocd")
    (repository,) = project["spec"]["sourceRepos"]
    assert {item["spec"]["source"]["repoURL"] for item in built("argocd")} == {repository}
    assert {item["spec"]["project"] for item in built("argocd")} == {project["metadata"]["name"]}
    assert {each["namespace"] for each in project["spec"]["destinations"]} == set(ENVIRONMENTS)


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
