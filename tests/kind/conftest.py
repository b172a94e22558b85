"""One cluster and one load of our image for a test run; namespaces for tests, and what they say when one fails.

`--cluster-name NAME` chooses the cluster (pytest-kind): one that exists is used and left alone, another is made
and removed afterwards, unless `--keep-cluster` is given.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from helpers import command, example_checkout
from kind import diagnostics, external_database
from kind.cluster import (
    POSTGRES,
    Cluster,
    Namespace,
    NoCluster,
    have_cluster,
    make_namespace,
    one_at_a_time,
    remove_cluster,
    why_no_cluster,
)
from kind.git_server import GitServer, build_image
from kind.release import Release

_SECONDS = 900  # a test and its fixtures; the first of a run waits for the image and the cluster
_LONGEST = ["whole_line", "nothing_is_lost", "environments", "deploy", "executor_pods", "preview", "argocd"]
_LIVE: list[Namespace] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests on a cluster their time, and begin with the longest: none is left when the others have ended."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_SECONDS))
    order = {f"test_{name}": number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """A kind cluster with PostgreSQL's image on its node."""
    if reason := why_no_cluster():
        pytest.skip(reason)
    try:
        cluster = have_cluster(request.config.getoption("cluster_name"))
    except NoCluster as error:
        request.session.shouldfail = str(error)  # told once: the other tests would say the same
        pytest.skip("there is no cluster")
    _load(cluster, POSTGRES)
    return cluster


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the cluster that this run made, once: not by each worker."""
    if not hasattr(session.config, "workerinput") and not session.config.getoption("keep_cluster"):
        remove_cluster(session.config.getoption("cluster_name"))


@pytest.fixture(scope="session")
def image_of(cluster: Cluster) -> Callable[[Path], str]:
    """Build the image of a clone with `image.py`, have it on the cluster's node, and return its name."""
    return lambda clone: _built(cluster, lambda: _build_image(clone))


@pytest.fixture(scope="session")
def image(image_of: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the example, on the cluster's node."""
    return image_of(example_checkout(tmp_path_factory.mktemp("checkout")))


def _build_image(checkout: Path) -> str:
    built = subprocess.run(command("image", "build"), cwd=checkout, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return built.stdout.strip()


def _built(cluster: Cluster, build: Callable[[], str]) -> str:
    """Build an image, unless Docker remembers it, and have it on the cluster's node; return its name."""
    with one_at_a_time("build"):
        reference = build()
    _load(cluster, reference)
    return reference


def _load(cluster: Cluster, reference: str) -> None:
    with one_at_a_time(f"load-into-{cluster.name}"):
        there = cluster.in_node("ctr", "--namespace=k8s.io", "images", "list", "--quiet")
        if f"docker.io/library/{reference}" not in there.split():
            subprocess.run(
                ["kind", "load", "docker-image", reference, "--name", cluster.name],
                capture_output=True,
                check=True,
            )


@pytest.fixture(scope="module")
def namespaces(cluster: Cluster) -> Iterator[Callable[[str], Namespace]]:
    """Make namespaces, by the beginning of their names; they are removed after the module's tests."""
    made: list[Namespace] = []

    def make(name: str) -> Namespace:
        made.append(make_namespace(cluster, name))
        _LIVE.append(made[-1])
        return made[-1]

    yield make
    for namespace in made:
        _LIVE.remove(namespace)
        cluster.kubectl("delete", "namespace", namespace.name, "--ignore-not-found", "--wait=false")


@pytest.fixture(scope="module")
def releases(namespaces: Callable[[str], Namespace], image: str) -> Iterator[Callable[..., Release]]:
    """Prepare releases in namespaces of their own (or in the one given); `install` puts them on the cluster."""
    made: list[Release] = []

    def prepare(name: str, namespace: Namespace | None = None, chart: Path | None = None) -> Release:
        release = Release(namespace or namespaces(name), image, name)
        release.chart = chart or release.chart
        made.append(release)
        return release

    yield prepare
    for release in made:
        release.close()


@pytest.fixture(scope="session")
def git_image(cluster: Cluster) -> str:
    """The image with git, on the cluster's node."""
    return _built(cluster, build_image)


@pytest.fixture(scope="session")
def external_database_image(cluster: Cluster) -> str:
    """The image of a PostgreSQL that speaks TLS, on the cluster's node."""
    return _built(cluster, external_database.build_image)


@pytest.fixture(scope="module")
def git_server(git_image: str, namespaces: Callable[[str], Namespace]) -> GitServer:
    """A git server with an empty repository."""
    return GitServer(namespaces("go-git"), git_image)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failure what its namespaces have to say."""
    report = yield
    if report.failed:
        for namespace in _LIVE:
            report.sections.append((f"namespace {namespace.name}", diagnostics.of(namespace)))
    return report
