"""The Jobs that Mage makes for blocks: its own code and our mends, run on the rendered scheduler pod."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.engine import Object
from chart.objects import Pod, of_kind, one, pods
from chart.pod_security import violations, writable_roots
from chart.rendering import Renderer
from chart.scenarios import CHART, Scenario, ci_scenario, environment
from chart.validity import schema_errors

SCRIPT = Path(__file__).with_name("executor_job.py")
SCENARIOS = [environment("prod"), *map(ci_scenario, ("git-source-ssh", "everything"))]
TOKEN = "kube-api-access-x"


def admitted(pod: Pod) -> dict[str, Any]:
    """Return the pod as the API server has it: with the token's volume that it adds."""
    spec = copy.deepcopy(pod.spec)
    spec["volumes"].append({"name": TOKEN, "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}})
    for container in spec["containers"]:
        mount = {"name": TOKEN, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}
        container["volumeMounts"].append(mount)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "mage-scheduler-0", **pod.metadata},
        "spec": spec,
    }


def job_of(scheduler: Pod, objects: list[Object], folder: Path) -> Any:
    """Run Mage's code in the environment of the scheduler's container."""
    (folder / "pod.json").write_text(json.dumps(admitted(scheduler)))
    config = next(item["data"]["k8s.yaml"] for item in of_kind(objects, "ConfigMap") if "k8s.yaml" in item["data"])
    (folder / "k8s.yaml").write_text(config)
    env = {item["name"]: item["value"] for item in scheduler.container("mage")["env"] if "value" in item}
    own = {"HOME": str(folder), "MAGE_DATA_DIR": str(folder), "K8S_CONFIG_FILE": str(folder / "k8s.yaml")}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder / "pod.json")],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHART / "files"), "HOSTNAME": "mage-scheduler-0"}
        | {name: env[name] for name in ("KUBE_NAMESPACE", "MAGE_CONTAINER_NAME", "MAGE_CLUSTER_UUID")}
        | own,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


class Made:
    """A Job and what it was made from."""

    def __init__(self, scenario: Scenario, objects: list[Object], folder: Path) -> None:
        self.scenario, self.objects = scenario, objects
        self.scheduler = next(pod for pod in pods(objects) if pod.component == "scheduler")
        self.job = job_of(self.scheduler, objects, folder)
        [self.pod] = pods([self.job])
        [self.container] = self.pod.spec["containers"]


@pytest.fixture(scope="module", params=SCENARIOS, ids=lambda scenario: scenario.name)
def made(request: pytest.FixtureRequest, render: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The Job of a block in a scenario with executor Jobs."""
    return Made(request.param, render.scenario(request.param), tmp_path_factory.mktemp("executor"))


def test_is_valid_for_kubernetes(made: Made) -> None:
    assert schema_errors(made.job, "1.34") == []


def test_is_restricted(made: Made) -> None:
    assert violations(made.pod.metadata, made.pod.spec) == []
    assert writable_roots(made.pod.spec) == []


def test_runs_as_the_user_that_owns_the_data(made: Made) -> None:
    scheduler = made.scheduler.container("mage")["securityContext"]
    assert made.container["securityContext"] == scheduler


def test_runs_the_same_image_with_the_same_environment_and_mounts(made: Made) -> None:
    scheduler = made.scheduler.container("mage")
    assert made.container["image"] == scheduler["image"]
    assert made.container["env"] == scheduler["env"]
    mounts = [mount for mount in made.container["volumeMounts"] if mount["name"] != TOKEN]
    assert mounts == scheduler["volumeMounts"]


def test_has_the_code_the_entry_point_and_the_data(made: Made) -> None:
    mounts = {mount["mountPath"]: mount["name"] for mount in made.container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in made.pod.spec["volumes"]}
    code = volumes[mounts["/app"]]["configMap"]
    assert {item["path"] for item in code["items"]} >= {"run_app.sh", "mage_pod/block.py"}
    assert code["defaultMode"] & 0o111
    claim = volumes[mounts["/var/lib/mage"]]["persistentVolumeClaim"]["claimName"]
    one(made.objects, "PersistentVolumeClaim", claim)
    if made.scenario.values.get("project", {}).get("source") == "git":
        assert "persistentVolumeClaim" in volumes[mounts["/srv"]]


def test_can_read_what_it_mounts_without_a_group_for_its_volumes(made: Made) -> None:
    """Mage cannot give a Job's pod the `fsGroup` by which other pods read files that are not for everybody."""
    assert "securityContext" not in made.pod.spec
    sources = [volume.get("secret") or volume.get("configMap") or {} for volume in made.pod.spec["volumes"]]
    assert [source for source in sources if not source.get("defaultMode", 0o644) & 0o004] == []


def test_names_secrets_by_reference_only(made: Made) -> None:
    passwords = [item for item in made.container["env"] if item["name"].endswith(("PASS", "PASSWORD", "KEY"))]
    assert passwords
    assert all("secretKeyRef" in item["valueFrom"] for item in passwords)


def test_runs_under_an_account_that_may_do_nothing(made: Made) -> None:
    account = made.pod.spec["serviceAccountName"]
    assert (
        one(made.objects, "ServiceAccount", account)["metadata"]["labels"]["app.kubernetes.io/component"]
        == "executor"
    )
    bound = {
        subject["name"] for binding in of_kind(made.objects, "RoleBinding") for subject in binding["subjects"]
    }
    assert account not in bound


def test_is_the_executor_for_policies_and_services(made: Made) -> None:
    labels = made.pod.labels
    assert labels["app.kubernetes.io/component"] == "executor"
    for item in of_kind(made.objects, "Service"):
        assert not item["spec"]["selector"].items() <= labels.items()
    policies = of_kind(made.objects, "NetworkPolicy")
    assert any(item["spec"]["podSelector"]["matchLabels"].items() <= labels.items() for item in policies)


def test_carries_the_labels_of_the_values(made: Made) -> None:
    values = made.scenario.values
    wanted = values["executor"].get("labels", {}) | values.get("pod", {}).get("labels", {})
    assert wanted.items() <= made.pod.labels.items()
    assert wanted.items() <= made.job["metadata"]["labels"].items()


def test_another_pod_follows_each_that_is_evicted_and_no_other(made: Made) -> None:
    evicted = {"type": "DisruptionTarget", "status": "True"}
    rule = {"action": "Ignore", "onPodConditions": [evicted]}
    assert made.job["spec"]["podFailurePolicy"] == {"rules": [rule]}
    assert made.job["spec"]["backoffLimit"] == 0


def test_a_node_under_it_is_not_drained(made: Made) -> None:
    annotations = made.pod.metadata["annotations"]
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    (budget,) = (
        item["spec"]
        for item in of_kind(made.objects, "PodDisruptionBudget")
        if item["spec"]["selector"]["matchLabels"].items() <= made.pod.labels.items()
    )
    assert budget["minAvailable"] > made.scenario.values.get("scheduler", {}).get("concurrency", 20)


def test_ends_by_itself(made: Made) -> None:
    spec = made.job["spec"]
    config = next(
        item["data"]["k8s.yaml"] for item in of_kind(made.objects, "ConfigMap") if "k8s.yaml" in item["data"]
    )
    job = yaml.safe_load(config)["job"]
    assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (
        job["active_deadline_seconds"],
        job["ttl_seconds_after_finished"],
    )
    assert made.pod.spec["restartPolicy"] == "Never"


def test_has_the_resources_of_the_values(made: Made) -> None:
    resources = made.scenario.values["executor"].get("resources")
    assert resources is None or made.container["resources"] == resources
    assert {"cpu", "memory"} <= made.container["resources"]["requests"].keys()


def test_is_pulled_and_placed_like_the_scheduler(made: Made) -> None:
    for key in ("imagePullSecrets", "tolerations", "nodeSelector"):
        assert made.pod.spec.get(key) == made.scheduler.spec.get(key)


def test_lives_in_the_namespace_of_the_release(made: Made) -> None:
    assert made.job["metadata"]["namespace"] == made.scenario.namespace
    assert made.pod.metadata["namespace"] == made.scenario.namespace


def test_a_chart_that_forgot_the_security_context_would_be_found(render: Renderer, tmp_path: Path) -> None:
    objects = render.scenario(ci_scenario("executor-k8s"))
    for item in of_kind(objects, "ConfigMap"):
        if "k8s.yaml" in item["data"]:
            config = yaml.safe_load(item["data"]["k8s.yaml"])
            del config["container_config"]["security_context"]
            item["data"]["k8s.yaml"] = yaml.safe_dump(config)
    scheduler = next(pod for pod in pods(objects) if pod.component == "scheduler")
    [pod] = pods([job_of(scheduler, objects, tmp_path)])
    assert violations(pod.metadata, pod.spec)
