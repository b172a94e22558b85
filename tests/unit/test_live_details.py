"""`status.py --live`: who installs an environment, how its changed pipelines run, and what was changed by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import Result, call_script, push, released_text, write_policy, write_program
from promotion.cluster.hand_changes import hand_changes

AT = "2013-01-02T03:04:05Z"
TRACKED = "argocd.argoproj.io/tracking-id"
LABELS = {"app.kubernetes.io/instance": "mage-dev", "app.kubernetes.io/component": "scheduler"}


def managed(manager: str, fields: Mapping[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "time": AT, "fieldsV1": fields, **more}


def deployment(*entries: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": "Deployment", "metadata": {"name": "mage-dev-web", "managedFields": list(entries)}}


REPLICAS: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
IMAGE: dict[str, Any] = {"f:spec": {"f:containers": {'k:{"name":"mage"}': {".": {}, "f:image": {}}}}}


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([managed("helm", REPLICAS)], []),
        ([managed("kubectl-edit", REPLICAS)], [f"kubectl-edit set spec.replicas at {AT}"]),
        ([managed("kubectl-edit", IMAGE)], [f"kubectl-edit set spec.containers.mage.image at {AT}"]),
        ([managed("kubectl-edit", REPLICAS), managed("argocd-controller", REPLICAS)], []),
        ([managed("kube-controller-manager", REPLICAS)], []),
        ([managed("kubectl", {"f:status": {"f:replicas": {}}}, subresource="status")], []),
        ([managed("kubectl-patch", {"f:metadata": {"f:annotations": {".": {}}}})], []),
    ],
)
def test_who_set_which_field_by_hand_is_told(entries: list[Mapping[str, Any]], told: list[str]) -> None:
    assert list(hand_changes(deployment(*entries))) == [f"Deployment mage-dev-web: {line}" for line in told]


def test_what_has_no_such_fields_was_changed_by_nobody() -> None:
    assert list(hand_changes({"kind": "Service", "metadata": {"name": "mage"}})) == []


def image_of(clone: Path) -> str:
    """Return the image of dev's release, as a pod names it."""
    return f"mage:{yaml.safe_load(released_text(clone, 'dev', 'release.yaml'))['image']['tag']}"


class Cluster:
    """What kubectl is told by dev's cluster: a stand-in, as no cluster is here."""

    def __init__(self, clone: Path) -> None:
        self.clone, self.folder = clone, clone.parent / "cluster"
        self.folder.mkdir()
        script = f"""cd "{self.folder}"
show() {{ cat "$1" 2>/dev/null && exit 0; echo "$2 is forbidden" >&2; exit 1; }}
case " $* " in
*" get applications"*|*" get helmreleases"*) show agent the state;;
*" get events"*) echo '{{"items": []}}';;
*" get pods --selector"*) show pods;;
*" logs "*) show log pods/log;;
*) show objects;;
esac"""
        write_program(self.folder / "programs/kubectl", script)
        self.holds()

    def holds(self, labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None) -> None:
        """Let it have a scheduler of release 1 with these labels and annotations."""
        image = image_of(self.clone)
        container = {"name": "mage", "image": image, "env": [{"name": "ENV", "value": "dev"}]}
        about = {
            "name": "mage-dev-scheduler",
            "uid": "1",
            "labels": LABELS | dict(labels or {}),
            "annotations": {"mage/release": "1"} | dict(annotations or {}),
            "managedFields": [managed("kubectl-scale", REPLICAS)],
        }
        stateful_set = {
            "kind": "StatefulSet",
            "metadata": about,
            "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}},
            "status": {"updateRevision": "one", "replicas": 1},
        }
        owners = [{"kind": "StatefulSet", "uid": "1"}]
        pod = {
            "kind": "Pod",
            "metadata": {
                "name": "mage-dev-scheduler-0",
                "uid": "2",
                "labels": {"controller-revision-hash": "one"},
                "ownerReferences": owners,
            },
            "spec": {"containers": [container], "restartPolicy": "Always"},
            "status": {"startTime": AT, "phase": "Running"},
        }
        self.write("objects", {"items": [stateful_set, pod]})
        self.write("pods", {"items": [pod]})

    def says(self, *triggers: str, problem: str | None = None, **runs: Mapping[str, Any]) -> None:
        said = {"format": 1, "at": AT, "release": 1, "problem": problem, "triggers": triggers}
        self.write("log", said | {"runs": {name: {"1": entry} for name, entry in runs.items()}}, "\n")

    def write(self, name: str, content: Any, end: str = "") -> None:
        (self.folder / name).write_text(json.dumps(content) + end)

    def status(self, *more: str) -> Result:
        path = f"{self.folder / 'programs'}:{os.environ['PATH']}"
        result = call_script(self.clone, "status", "dev", "--live", *more, PATH=path)
        assert result.exit_code == 0, result.stderr
        return result

    def live(self) -> dict[str, Any]:
        (environment,) = self.status("--json").document["status"]["environments"]
        live: dict[str, Any] = environment["live"]
        return live


@pytest.fixture
def dev(promoted_to_dev: Path) -> Cluster:
    """A cluster that runs release 1 of dev."""
    write_policy(promoted_to_dev, "dev", cluster={"context": "data"})
    push(promoted_to_dev)
    return Cluster(promoted_to_dev)


FAILED = {"run": 41, "status": "failed", "at": AT, "block": "load_stock"}
BY_HAND = f"StatefulSet mage-dev-scheduler: kubectl-scale set spec.replicas at {AT}"


def test_the_first_run_of_each_changed_pipeline_is_told(dev: Cluster) -> None:
    dev.says(stock={"scheduled": {"failed": 1, "last": FAILED}, "first": FAILED}, orders={"running": 1})
    live = dev.live()
    states = {run["pipeline"]: (run["state"], run["run"], run["block"]) for run in live["first_runs"]}
    assert states == {
        "orders": ("running", None, None),
        "returns": ("none", None, None),
        "stock": ("failed", 41, "load_stock"),
    }
    (failed,) = (each for each in live["deviations"] if each["problem"].startswith("stock"))
    assert failed["problem"] == "stock: first run failed in block load_stock at 2013-01-02 03:04 UTC (run 41)"
    assert "scripts/rollback.py dev -p stock --reason TEXT" in failed["next"]


def test_where_another_release_runs_there_is_no_first_run(dev: Cluster) -> None:
    dev.says()
    dev.holds(annotations={"mage/release": "7"})
    live = dev.live()
    assert (live["release"], live["first_runs"]) == ("7", [])


def test_what_was_changed_by_hand_is_told_with_the_command_that_sets_it_back(dev: Cluster) -> None:
    dev.says("daily: it was deleted by hand")
    assert dev.live()["deviations"] == [
        {"problem": "trigger daily: it was deleted by hand", "next": "scripts/deploy.py dev"},
        {"problem": BY_HAND, "next": "scripts/deploy.py dev"},
    ]


def test_the_state_of_argo_cd_is_told(dev: Cluster) -> None:
    dev.says()
    dev.holds(annotations={TRACKED: "team_mage-dev:apps/StatefulSet:dev/mage-dev-scheduler"})
    state = {"sync": {"status": "OutOfSync", "revision": "abc"}, "health": {"status": "Healthy"}}
    dev.write("agent", {"status": state})
    live = dev.live()
    assert live["agent"] == {
        "kind": "Argo CD",
        "namespace": "team",
        "object": "applications.argoproj.io/mage-dev",
        "state": "OutOfSync, Healthy",
        "revision": "abc",
        "fine": False,
    }
    assert live["deviations"][0] == {
        "problem": "Argo CD OutOfSync, Healthy at abc",
        "next": "kubectl --namespace=team describe applications.argoproj.io/mage-dev",
    }
    assert live["deviations"][1]["next"] == "argocd app sync mage-dev"


def test_the_state_of_flux_is_told(dev: Cluster) -> None:
    dev.says()
    dev.holds({"helm.toolkit.fluxcd.io/name": "mage-dev", "helm.toolkit.fluxcd.io/namespace": "flux-system"})
    ready = {"type": "Ready", "status": "True", "reason": "UpgradeSucceeded"}
    dev.write("agent", {"status": {"conditions": [ready], "lastAttemptedRevision": "0.2.0+abc"}})
    live = dev.live()
    assert (live["agent"]["state"], live["agent"]["revision"]) == ("UpgradeSucceeded", "0.2.0+abc")
    (by_hand,) = live["deviations"]
    assert by_hand["next"] == "flux reconcile helmrelease mage-dev --namespace=flux-system --force"


def test_what_may_not_be_read_is_told_and_the_rest_is_there(dev: Cluster) -> None:
    dev.holds(annotations={TRACKED: "mage-dev:apps/StatefulSet:dev/mage-dev-scheduler"})
    live = dev.live()
    assert live["agent"]["state"] is None
    assert live["unknown"] == [
        "how runs and triggers are: namespace dev of data: pods/log is forbidden",
        "the state of applications.argoproj.io/mage-dev in namespace argocd: it may not be read",
    ]
    assert [each["problem"] for each in live["deviations"]] == [BY_HAND]


def test_people_and_the_page_see_the_same(dev: Cluster) -> None:
    dev.says("daily: it was deleted by hand", stock={"running": 1})
    page = dev.clone / "status.html"
    shown = dev.status("--html", str(page)).stdout
    assert f"LIVE dev: release 1 in namespace dev of data, by Helm, image {image_of(dev.clone)}" in shown
    for told in (
        "trigger daily: it was deleted by hand",
        "next: scripts/deploy.py dev",
        "stock: the first run goes on",
    ):
        assert told in shown
        assert told in page.read_text()


def test_a_pod_that_cannot_see_its_database_is_told(dev: Cluster) -> None:
    dev.says(problem="the database: it is starting up")
    live = dev.live()
    assert live["unknown"] == [
        "how runs and triggers are: namespace dev of data: mage-dev-scheduler-0 cannot tell its runs: "
        "the database: it is starting up"
    ]
    assert live["first_runs"] == []
