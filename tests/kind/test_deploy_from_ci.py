"""A job of CI reaches a cluster with its own token: the API server trusts the host, as gitops/ci says."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from helpers import ROOT, Result, command, promote, run_at_most, write_policy
from kind.cluster import Cluster, Namespace, have_cluster, make_namespace, remove_cluster
from kind.docker import docker
from kind.environments import change_dev_values, example_clone
from kind.issuer import JOB_PASSWORD, Issuer, serving

REPOSITORY = "your-org/pipelines"
GITHUB = {"repository": REPOSITORY, "ref": "refs/heads/main", "environment": "dev"}
GITLAB = {"project_path": REPOSITORY, "ref_path": "refs/heads/main", "environment": "dev"}
_IN_NODE = "/etc/kubernetes/authentication"
_HOSTS = ("github", "gitlab")  # in the order of the file
_SECONDS = 300


@pytest.fixture(scope="module")
def issuer(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """An issuer where nodes of kind reach it: at the gateway of their network, which any cluster has made."""
    (network,) = json.loads(docker("network", "inspect", "kind"))
    gateways = [each["Gateway"] for each in network["IPAM"]["Config"] if "." in each.get("Gateway", "")]
    with serving(gateways[0], tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def trusting(issuer: Issuer, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of its own whose API server has gitops/ci/authentication.yaml, with this issuer for both hosts."""
    folder = tmp_path_factory.mktemp("authentication")
    text = (ROOT / "gitops/ci/authentication.yaml").read_text()
    authentication = yaml.safe_load(text)
    for trusted, path in zip(authentication["jwt"], _HOSTS, strict=True):
        trusted["issuer"]["url"] = f"{issuer.address}/{path}"
        trusted["issuer"]["certificateAuthority"] = issuer.authority.read_text()
    (folder / "authentication.yaml").write_text(yaml.safe_dump(authentication))
    config = folder / "kind.yaml"
    config.write_text(yaml.safe_dump(_kind_config(folder)))
    name = f"{cluster.name}-ci"
    try:
        yield have_cluster(name, config)
    finally:
        remove_cluster(name)


def _kind_config(folder: Path) -> dict[str, object]:
    """Return a configuration of kind whose API server reads authentication.yaml of `folder`."""
    given = os.environ.get("KIND_CONFIG")
    config = yaml.safe_load(Path(given).read_text()) if given else {}
    nodes = config.get("nodes", [{"role": "control-plane"}])[:1]
    nodes[0]["extraMounts"] = [{"hostPath": str(folder), "containerPath": _IN_NODE}]
    volume = {"name": "authentication", "hostPath": _IN_NODE, "mountPath": _IN_NODE, "readOnly": True}
    option = {"authentication-config": f"{_IN_NODE}/authentication.yaml"}
    patch = {"kind": "ClusterConfiguration", "apiServer": {"extraArgs": option, "extraVolumes": [volume]}}
    kind = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4"}
    return config | kind | {"nodes": nodes, "kubeadmConfigPatches": [yaml.safe_dump(patch)]}


@dataclass(frozen=True)
class Dev:
    """A clone with a release of dev, and the namespace that jobs of dev may install into."""

    clone: Path
    namespace: Namespace
    issuer: Issuer

    def plan(self, **variables: str) -> Result:
        """Plan the deployment, as a job of CI with these variables does; its token is told nowhere."""
        words = command("deploy", "dev", "--plan", "--json")
        result = run_at_most(_SECONDS, words, self.clone, KUBECONFIG="gitops/ci/kubeconfig.yaml", **variables)
        for secret in (JOB_PASSWORD, "eyJ"):
            assert secret not in result.stdout + result.stderr
        return result


@pytest.fixture(scope="module")
def dev(trusting: Cluster, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Dev:
    """Dev, with the rights of gitops/ci/deployer.yaml for the job of either host."""
    clone = example_clone(tmp_path_factory.mktemp("ci"))
    namespace = make_namespace(trusting, "ci")
    namespace.kubectl("apply", "--filename", str(ROOT / "gitops/ci/deployer.yaml"))
    users = [f"--user={host}:{REPOSITORY}:dev" for host in _HOSTS]
    namespace.kubectl("create", "rolebinding", "mage-deployer", "--role=mage-deployer", *users)
    _reach(clone / "gitops/ci/kubeconfig.yaml", trusting)
    write_policy(clone, "dev", gates=["static"], cluster={"context": "data-dev", "namespace": namespace.name})
    change_dev_values(clone)
    promote(clone, "main", "dev")
    return Dev(clone, namespace, issuer)


def _reach(file: Path, cluster: Cluster) -> None:
    """Write into kubeconfig.yaml where the cluster is."""
    config = yaml.safe_load(file.read_text())
    (known,) = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"]
    config["clusters"][0]["cluster"] = known["cluster"]
    file.write_text(yaml.safe_dump(config))
    file.with_name("cluster_token.py").chmod(0o755)  # as in git


def from_github(dev: Dev, **claims: str) -> Result:
    """Plan as a job on GitHub."""
    return dev.plan(**dev.issuer.job_on_github(**GITHUB | claims))


def from_gitlab(dev: Dev, **claims: str) -> Result:
    """Plan as a job on GitLab."""
    return dev.plan(CLUSTER_TOKEN=dev.issuer.token("gitlab", **GITLAB | claims))


@pytest.mark.parametrize("job", [from_github, from_gitlab])
def test_a_job_of_the_environment_may_deploy_it(dev: Dev, job: Callable[..., Result]) -> None:
    result = job(dev)
    assert result.exit_code == 2, result.stderr
    changes = result.document["deployment"]["changes"]
    assert {"mage-dev-web", "mage-dev-scheduler"} <= {change["name"] for change in changes}


@pytest.mark.parametrize("job", [from_github, from_gitlab])
def test_a_job_of_another_environment_may_not(dev: Dev, job: Callable[..., Result]) -> None:
    result = job(dev, environment="prod")
    assert result.exit_code == 1
    assert f":{REPOSITORY}:prod" in result.stderr
    assert "cannot list resource" in result.stderr


@pytest.mark.parametrize(
    ("job", "claims"),
    [
        (from_github, {"ref": "refs/heads/feature"}),
        (from_github, {"repository": "another-org/pipelines"}),
        (from_gitlab, {"ref_path": "refs/heads/feature"}),
        (from_gitlab, {"project_path": "another-org/pipelines"}),
    ],
)
def test_a_job_of_another_branch_or_repository_is_nobody(
    dev: Dev, job: Callable[..., Result], claims: dict[str, str]
) -> None:
    result = job(dev, **claims)
    assert result.exit_code == 1
    assert "the server has asked for the client to provide credentials" in result.stderr


def test_outside_of_ci_there_is_no_token(dev: Dev) -> None:
    result = dev.plan(CLUSTER_TOKEN="", ACTIONS_ID_TOKEN_REQUEST_URL="")
    assert result.exit_code == 1
    assert "this is no job that may have a token: docs/how-to/ci.md" in result.stderr
