"""`deploy.py` up to the cluster: kubectl and helm are stand-ins here, and tests/kind has the real ones."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from basics.errors import Malformed
from helpers import call_script, push, refused, write_policy, write_program
from promotion.configuration.policy import read_policy

VERSION = 'case "$*" in *version*) echo v4.1.0;;'


@pytest.fixture
def dev(promoted_to_dev: Path) -> Path:
    """A clone whose dev is in the context `kind-data`, which this kubectl knows."""
    write_policy(promoted_to_dev, "dev", cluster={"context": "kind-data"})
    push(promoted_to_dev)
    write_program(programs(promoted_to_dev) / "kubectl", 'echo "kind-data\nminikube"')
    stand_in(promoted_to_dev, "")
    return promoted_to_dev


def programs(clone: Path) -> Path:
    return clone.parent / "programs"


def stand_in(clone: Path, cases: str) -> None:
    """Let helm be of version 4 and answer in these cases; anything else fails."""
    write_program(
        programs(clone) / "helm", f"{VERSION} {cases} *) echo 'Error: release: not found' >&2; exit 1;; esac"
    )


def path(clone: Path) -> str:
    return f"{programs(clone)}:{os.environ['PATH']}"


def refusal(clone: Path, *arguments: str) -> dict[str, Any]:
    return refused(clone, "deploy", "dev", "--plan", *arguments, PATH=path(clone))


def test_a_policy_that_names_no_cluster_says_what_to_write(dev: Path) -> None:
    write_policy(dev, "dev", cluster={})
    push(dev)
    error = refusal(dev)
    assert (error["code"], error["exit_code"]) == ("no-context", 64)
    assert error["message"].startswith("environments/dev/policy.yaml ")
    assert "`cluster: {context: NAME, namespace: dev}`" in error["fix"]
    assert error["fix"].endswith("kubectl knows kind-data, minikube")


def test_another_context_than_the_stated_one_is_refused(dev: Path) -> None:
    error = refusal(dev, "--context", "kind-other")
    assert (error["code"], error["exit_code"]) == ("wrong-context", 4)
    assert "kind-other" in error["message"]
    assert "environments/dev/policy.yaml says kind-data" in error["message"]


def test_a_context_that_kubectl_does_not_know_is_refused(dev: Path) -> None:
    write_policy(dev, "dev", cluster={"context": "kind-dota"})
    push(dev)
    error = refusal(dev)
    assert (error["code"], error["exit_code"]) == ("unknown-context", 1)
    assert error["fix"].endswith("kubectl config rename-context YOURS kind-dota; write kind-data")


def test_helm_3_is_refused(dev: Path) -> None:
    write_program(programs(dev) / "helm", "echo v3.19.0")
    error = refusal(dev)
    assert (error["code"], error["exit_code"]) == ("helm-too-old", 1)


def test_an_environment_without_a_release_is_refused(dev: Path) -> None:
    error = refused(dev, "deploy", "staging", "--plan", PATH=path(dev))
    assert (error["code"], error["exit_code"]) == ("no-release", 64)


@pytest.mark.parametrize(("number", "way_out"), [(1, "uninstall mage-dev"), (2, "rollback mage-dev")])
def test_a_helm_that_is_at_work_or_was_cut_off_is_waited_for(dev: Path, number: int, way_out: str) -> None:
    revision = {"version": number, "info": {"status": "pending-upgrade"}, "manifest": ""}
    (dev.parent / "revision").write_text(json.dumps(revision))
    history = f"""*history*) echo '[{{"revision": {number}}}]';;"""
    stand_in(dev, f'{history} *status*) cat "{dev.parent}/revision";;')
    error = refusal(dev)
    assert (error["code"], error["exit_code"]) == ("helm-at-work", 5)
    assert error["fix"].endswith(f"helm --namespace=dev --kube-context=kind-data {way_out}")


def test_what_flux_installs_is_left_to_flux(dev: Path) -> None:
    labels = "{helm.toolkit.fluxcd.io/name: mage-dev}"
    manifest = f"kind: Service\nmetadata: {{name: mage-dev-web, labels: {labels}}}\n"
    revision = {"version": 3, "info": {"status": "deployed"}, "manifest": manifest}
    (dev.parent / "revision").write_text(json.dumps(revision))
    stand_in(dev, f"""*history*) echo '[{{"revision": 3}}]';; *status*) cat "{dev.parent}/revision";;""")
    error = refusal(dev)
    assert (error["code"], error["exit_code"]) == ("installed-by-flux", 5)


def test_what_helm_keeps_does_not_go(dev: Path) -> None:
    kept = "kind: Claim\nmetadata: {name: data, annotations: {helm.sh/resource-policy: keep}}\n"
    manifest = f"{kept}---\nkind: Service\nmetadata: {{name: old}}\n"
    for name, text in (("revision", manifest), ("preview", "")):
        shown = {"version": 3, "info": {"status": "deployed"}, "manifest": text}
        (dev.parent / name).write_text(json.dumps(shown))
    history = """*history*) echo '[{"revision": 3}]';;"""
    asked = f'*status*) cat "{dev.parent}/revision";; *--dry-run=server*) cat "{dev.parent}/preview";;'
    stand_in(dev, f"{history} {asked}")
    contexts = "echo kind-data; exit"
    write_program(
        programs(dev) / "kubectl", f"""case "$*" in *contexts*) {contexts};; esac; echo '{{"items": []}}'"""
    )
    result = call_script(dev, "deploy", "dev", "--plan", "--json", PATH=path(dev))
    assert [(each["what"], each["name"]) for each in result.document["deployment"]["changes"]] == [
        ("removed", "old")
    ]


def test_what_the_cluster_would_refuse_is_told_before_anything_changes(dev: Path) -> None:
    stand_in(dev, "*--dry-run=server*) echo 'Error: exceeded quota' >&2; exit 1;;")
    error = refusal(dev)
    assert (error["code"], error["exit_code"]) == ("cluster-refuses", 3)
    assert "mage-dev in namespace dev of kind-data" in error["message"]
    assert "exceeded quota" in error["message"]


def test_a_first_installation_shows_what_comes(dev: Path) -> None:
    manifest = "kind: Service\nmetadata: {name: mage-dev-web}\n"
    hook = {"name": "mage-dev-test", "kind": "Pod", "events": ["test"]}
    hook["manifest"] = "kind: Pod\nmetadata: {name: mage-dev-test}\n"
    shown = {"version": 1, "info": {"status": "pending-install"}, "manifest": manifest, "hooks": [hook]}
    (dev.parent / "revision").write_text(json.dumps(shown))
    stand_in(dev, f'*--dry-run=server*) cat "{dev.parent}/revision";;')
    result = call_script(dev, "deploy", "dev", "--plan", "--json", PATH=path(dev))
    assert result.exit_code == 2, result.stderr
    told = result.document["deployment"]
    assert (told["context"], told["namespace"], told["current"]) == ("kind-data", "dev", None)
    assert [(each["what"], each["name"]) for each in told["changes"]] == [
        ("added", "mage-dev-web"),
        ("added", "mage-dev-test"),
    ]


@pytest.mark.parametrize(
    ("cluster", "told"),
    [
        ({"contxt": "a"}, "cluster.contxt: is unknown"),
        ({"context": 7}, "cluster.context: 7 is not a name"),
        ({"namespace": ""}, "cluster.namespace: '' is not a name"),
        (
            {"previews": "https://previews.example.com"},
            "cluster.previews: 'https://previews.example.com' is no address",
        ),
        ({"previews": "*.example.com"}, "cluster.previews: '*.example.com' is no address"),
        ("kind-data", "cluster: is a str"),
    ],
)
def test_a_cluster_that_is_not_understood_is_refused(cluster: Any, told: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read_policy("policy.yaml", {"source": "main", "gates": [], "cluster": cluster})
    assert told in refusal.value.message
