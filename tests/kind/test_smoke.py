"""Smoke tests on a cluster: the tree's own image and chart, driven through Mage's API."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import Result, command, git, push, record, remote_refs, run_at_most, run_script, write
from kind.cluster import Cluster, eventually
from kind.docker import docker, why_no_docker
from kind.release import ROOT
from promotion.record.release import image_tag
from promotion.repository.tree import tree_of_folder
from stock import LOADER, VALUES, make_clone, values

POLICY = "environments/dev/policy.yaml"
ASKS_FOR_A_CLUSTER = {POLICY: "source: main\ngates: [static, smoke]\nsmoke: kind\n"}
DOCKERFILE = "FROM {image}\nCOPY mage_project /srv/release/mage_project\n"
# Whether the pipeline is sound is said by a setting: what fails and what does not is one image.
FROM_SETTING = "int(os.getenv('STOCK'))"
_SECONDS = 1500  # a build, a load of the image, an installation and two runs, on a machine that is busy

pytestmark = pytest.mark.timeout(2 * _SECONDS)


@pytest.fixture(scope="module")
def clone(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone with a chart and an image that work; its dev asks for evidence from a cluster."""
    clone = make_clone(
        tmp_path_factory.mktemp("smoke"),
        ASKS_FOR_A_CLUSTER
        | {
            "Dockerfile": DOCKERFILE.format(image=image),
            "mage_project/data_loaders/load_stock.py": LOADER.format(stock=FROM_SETTING),
            VALUES: values(STOCK="3"),
        },
    )
    shutil.rmtree(clone / "charts")
    shutil.copytree(ROOT / "charts", clone / "charts", ignore=shutil.ignore_patterns("__pycache__"))
    push(clone)
    yield clone
    made = f"mage:{image_tag(tree_of_folder(clone, git(clone, 'ls-files').splitlines()))}"
    if docker("image", "ls", "--quiet", made):
        docker("image", "rm", "--force", made)


@pytest.fixture(scope="module")
def proven(clone: Path, cluster: Cluster) -> Result:
    """What `smoke.py` left behind."""
    return on_cluster(clone, cluster, "smoke", "main", "dev", "--json")


def on_cluster(clone: Path, cluster: Cluster, name: str, *arguments: str) -> Result:
    """Run a script whose smoke gate uses the cluster of the tests."""
    return run_at_most(_SECONDS, command(name, *arguments), clone, SMOKE_CLUSTER=cluster.name)


def active_namespaces(cluster: Cluster) -> set[str]:
    names = cluster.kubectl("get", "namespaces", "--field-selector=status.phase=Active", "--output=name")
    return {name.removeprefix("namespace/") for name in names.split()}


def test_the_tree_runs_twice_on_a_cluster(proven: Result) -> None:
    assert proven.exit_code == 0, proven.stderr
    evidence = proven.document["smoke"]["proven"]["stock"]
    assert (evidence["kind"], evidence["runs"], evidence["by"]) == ("kind", 2, "Ada Example <ada@example.com>")


def test_nothing_of_it_stays_on_the_cluster(proven: Result, cluster: Cluster) -> None:
    made = set(re.findall(r"in the namespace (smoke-dev-\w+)", proven.stderr))
    assert len(made) == 1  # other modules have smoke tests on this cluster, too
    eventually(lambda: made.isdisjoint(active_namespaces(cluster)), f"{made} removed")


def test_a_pipeline_that_fails_on_the_cluster_is_refused_with_block_and_log(
    clone: Path, proven: Result, cluster: Cluster
) -> None:
    write(clone, {VALUES: values(STOCK="-1")})
    push(clone)
    before = remote_refs(clone)
    result = on_cluster(clone, cluster, "promote", "main", "dev", "--yes", "--json")
    assert (result.exit_code, remote_refs(clone)) == (3, before), result.stderr
    (finding,) = result.document["error"]["findings"]
    assert finding["path"] == "mage_project/pipelines/stock"
    assert "block load_stock" in finding["problem"]
    assert "AssertionError: negative stock" in finding["problem"]


def test_the_promotion_that_follows_needs_no_cluster(clone: Path, proven: Result) -> None:
    write(clone, {VALUES: values(STOCK="3")})
    push(clone)
    result = run_script(clone, "promote", "main", "dev", "--yes", DOCKER_HOST="unix:///there/is/none")
    assert result.exit_code == 0, result.stderr
    assert record(clone, "dev")["gates"]["smoke"]["stock"]["kind"] == "kind"


@pytest.mark.skipif(why_no_docker() is not None, reason=why_no_docker() or "")
def test_without_docker_there_is_no_verdict(tmp_path: Path) -> None:
    clone = make_clone(tmp_path, ASKS_FOR_A_CLUSTER)
    before = remote_refs(clone)
    result = run_script(clone, "promote", "main", "dev", "--yes", "--json", DOCKER_HOST="unix:///there/is/none")
    assert (result.exit_code, result.document["error"]["code"]) == (6, "docker-unreachable")
    assert remote_refs(clone) == before
