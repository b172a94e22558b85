"""What holds for each pod of each scenario: of workloads, hooks and tests alike."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from chart.engine import Object
from chart.objects import Pod, of_kind, one, pods, walk
from chart.pod_security import violations, writable_roots
from chart.rendering import Renderer
from chart.scenarios import Scenario, ci_scenario

SECRET_NAME = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE|_PASS$|_KEY$")


def test_is_restricted(objects: list[Object]) -> None:
    found = {pod.name: violations(pod.metadata, pod.spec) for pod in pods(objects)}
    assert {name: against for name, against in found.items() if against} == {}


def test_cannot_write_to_its_image(objects: list[Object]) -> None:
    found = {pod.name: writable_roots(pod.spec) for pod in pods(objects)}
    assert {name: places for name, places in found.items() if places} == {}


def test_has_an_account_of_its_own(objects: list[Object]) -> None:
    accounts: dict[str, set[str]] = {}
    for pod in pods(objects):
        account = pod.spec["serviceAccountName"]
        one(objects, "ServiceAccount", account)
        accounts.setdefault(account, set()).add(pod.component)
    shared = {account: components for account, components in accounts.items() if len(components) > 1}
    # The test of what the scheduler's account may do runs as that account.
    assert all(components == {"scheduler", "test"} for components in shared.values()), shared


def test_mounts_a_token_only_where_the_api_is_used(objects: list[Object], scenario: Scenario) -> None:
    mounting = {pod.component for pod in pods(objects) if pod.spec.get("automountServiceAccountToken", True)}
    k8s = scenario.values.get("executor", {}).get("type") == "k8s"
    makes_credentials = not scenario.values.get("credentials", {}).get("existingSecret")
    expected = {"scheduler", "test"} if k8s else set()
    expected |= {"preview"} if scenario.values.get("preview") else set()
    assert mounting == expected | ({"credentials"} if makes_credentials else set())


def test_an_account_gives_no_token_by_itself(objects: list[Object]) -> None:
    assert all(item["automountServiceAccountToken"] is False for item in of_kind(objects, "ServiceAccount"))


def test_a_token_of_the_test_is_that_of_the_executor_check_alone(render: Renderer) -> None:
    objects = render(ci_scenario("executor-k8s").values)
    with_token = [
        pod.name for pod in pods(objects) if pod.component == "test" and pod.spec["automountServiceAccountToken"]
    ]
    assert with_token == ["Pod/mage-test-executor"]


def test_says_what_it_needs(objects: list[Object]) -> None:
    missing = [
        f"{pod.name} {container['name']}"
        for pod in pods(objects)
        for container in pod.containers
        if not {"cpu", "memory"} <= container["resources"].get("requests", {}).keys()
        or "memory" not in container["resources"].get("limits", {})
    ]
    assert missing == []


def test_says_why_it_failed(objects: list[Object], scenario: Scenario) -> None:
    of_a_team = scenario.values.get("web", {}).get("pod", {}).get("containers", {})
    without = [
        f"{pod.name} {container['name']}"
        for pod in pods(objects)
        for container in pod.containers
        if container["name"] not in of_a_team
        and container.get("terminationMessagePolicy") != "FallbackToLogsOnError"
    ]
    assert without == []


def test_is_probed_while_it_runs(objects: list[Object]) -> None:
    for pod in pods(objects):
        for container in pod.spec["containers"] if pod.long_running else []:
            assert container.keys() >= {"livenessProbe", "readinessProbe"}, (pod.name, container["name"])


def test_a_pod_with_mage_waits_until_its_start_is_over(objects: list[Object]) -> None:
    for pod in pods(objects):
        if pod.long_running:
            assert all(
                "startupProbe" in item for item in pod.spec["containers"] if item["name"] in ("mage", "postgres")
            )


def test_a_probe_asks_a_port_that_the_container_names(objects: list[Object]) -> None:
    for pod in pods(objects):
        for container in pod.containers:
            named = {port["name"] for port in container.get("ports", [])}
            asked = {value["port"] for path, value in walk(container) if path and path[-1] == "httpGet"}
            assert {port for port in asked if isinstance(port, str)} <= named


def test_gives_each_variable_once(objects: list[Object]) -> None:
    twice = {
        f"{pod.name} {container['name']}": name
        for pod in pods(objects)
        for container in pod.containers
        for name, count in Counter(item["name"] for item in container.get("env", [])).items()
        if count > 1
    }
    assert twice == {}


def test_takes_secrets_by_reference_only(objects: list[Object]) -> None:
    literal = [
        f"{pod.name} {item['name']}"
        for pod in pods(objects)
        for container in pod.containers
        for item in container.get("env", [])
        if SECRET_NAME.search(item["name"]) and "value" in item and not item["name"].endswith("_FILE")
    ]
    assert literal == []


def test_mounts_volumes_that_it_has_and_has_volumes_that_it_mounts(objects: list[Object]) -> None:
    for pod in pods(objects):
        volumes = {volume["name"] for volume in pod.spec.get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in pod.owner["spec"].get("volumeClaimTemplates", [])}
        mounted = {mount["name"] for container in pod.containers for mount in container.get("volumeMounts", [])}
        assert mounted == volumes, pod.name


def test_mounts_each_path_once(objects: list[Object]) -> None:
    for pod in pods(objects):
        for container in pod.containers:
            paths = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            assert len(paths) == len(set(paths)), (pod.name, container["name"])


def test_mounts_keys_that_its_config_maps_have(objects: list[Object]) -> None:
    rendered = {item["metadata"]["name"]: item.get("data", {}) for item in of_kind(objects, "ConfigMap")}
    for pod in pods(objects):
        for source in _config_maps(pod):
            keys = {item["key"] for item in source.get("items", [])}
            if source["name"] in rendered:
                assert keys <= rendered[source["name"]].keys(), (pod.name, source["name"])


def test_refers_to_config_maps_and_claims_of_the_release_or_of_the_values(
    objects: list[Object], scenario: Scenario
) -> None:
    supplied = {value for _, value in walk(scenario.values) if isinstance(value, str)}
    made = {(item["kind"], item["metadata"]["name"]) for item in objects}
    for pod in pods(objects):
        for kind, name in [*(("ConfigMap", source["name"]) for source in _config_maps(pod)), *_claims(pod)]:
            assert (kind, name) in made or name in supplied, (pod.name, kind, name)


def test_refers_to_secrets_of_the_credentials_or_of_the_values(objects: list[Object], scenario: Scenario) -> None:
    supplied = {value for _, value in walk(scenario.values) if isinstance(value, str)}
    fullname = scenario.values.get("fullnameOverride", scenario.release)
    for pod in pods(objects):
        for name, key in secret_keys(pod):
            assert name in supplied or (name == f"{fullname}-credentials" and key in _made_keys(objects)), (
                pod.name,
                name,
                key,
            )


def test_does_not_learn_other_services_by_its_environment(objects: list[Object]) -> None:
    assert [pod.name for pod in pods(objects) if pod.spec.get("enableServiceLinks") is not False] == []


def test_starts_again_when_what_it_reads_changes(render: Renderer) -> None:
    dev: dict[str, Any] = {"env": "dev", "postgres": {"config": {"max_connections": "200"}}}
    before, after = (
        one(render(dev, {"postgres": {"config": {"max_connections": number}}}), "StatefulSet", "mage-postgres")
        for number in ("200", "300")
    )
    assert before["spec"]["template"] != after["spec"]["template"]


def test_does_not_start_again_for_schedules(render: Renderer) -> None:
    entry = {"pipeline": "p", "interval": "@daily", "enabled": True, "timeout": 60, "variables": {}}
    before, after = (
        [pod.owner for pod in pods(render({"env": "dev"}, {"schedules": schedules})) if pod.long_running]
        for schedules in ({}, {"daily": entry})
    )
    assert before == after


def test_does_not_start_again_for_a_number_alone(render: Renderer) -> None:
    """The scheduler learns the number from a file, with the image that it belongs to."""
    before, after = (render({"env": "dev", "image": {"tag": "1"}}, {"release": {"number": n}}) for n in (7, 8))
    assert [pod.spec for pod in pods(before)] == [pod.spec for pod in pods(after)]
    told = [json.loads(one(each, "ConfigMap", "mage-app")["data"]["release.json"]) for each in (before, after)]
    (image,) = {pod.container("mage")["image"] for pod in pods(after) if pod.component == "scheduler"}
    assert told == [{"number": number, "image": image} for number in (7, 8)]


def test_the_container_that_tells_how_runs_end_knows_the_database_alone(objects: list[Object]) -> None:
    (status,) = (pod.container("status") for pod in pods(objects) if pod.component == "scheduler")
    others = ("PYTHONPATH", "MAGE_REPO_PATH", "MAGE_POD_IMAGE", "MAGE_POD_RELEASE")
    known = {item["name"] for item in status["env"] if item["name"] not in others}
    assert all(name.startswith(("DB_", "DATABASE_TIMEOUT")) for name in known)
    assert {mount["name"] for mount in status["volumeMounts"]} <= {"app", "project", "database-ca"}
    assert (status["restartPolicy"], "ports" in status) == ("Always", False)


def test_every_pod_of_mage_runs_the_same_image_environment_and_mounts(objects: list[Object]) -> None:
    """Web may know more than the scheduler, never something else."""
    mage = {
        pod.component: pod.container("mage")
        for pod in pods(objects)
        if pod.long_running and pod.component != "postgres"
    }
    web, scheduler = mage["web"], mage["scheduler"]
    assert (web["image"], web["volumeMounts"]) == (scheduler["image"], scheduler["volumeMounts"])
    own = ("SCHEDULER_", "MAGE_POD_")
    assert [item for item in scheduler["env"] if not item["name"].startswith(own) and item not in web["env"]] == []


def test_a_hook_leaves_no_pod_that_a_service_selects(objects: list[Object]) -> None:
    hooks = [pod for pod in pods(objects) if pod.is_hook]
    for service in of_kind(objects, "Service"):
        assert not any(service["spec"]["selector"].items() <= pod.labels.items() for pod in hooks)


def test_a_job_ends(objects: list[Object]) -> None:
    jobs = of_kind(objects, "Job")
    assert all(job["spec"].get("activeDeadlineSeconds") and "backoffLimit" in job["spec"] for job in jobs)


def test_the_scheduler_is_alone(objects: list[Object]) -> None:
    scheduler = next(pod.owner for pod in pods(objects) if pod.component == "scheduler")
    assert (scheduler["kind"], scheduler["spec"]["replicas"]) == ("StatefulSet", 1)


def test_a_stopping_pod_has_longer_than_it_needs_to_drain(objects: list[Object]) -> None:
    for pod in pods(objects):
        for container in pod.spec["containers"]:
            env = {item["name"]: item.get("value") for item in container.get("env", [])}
            for name in ("WEB_DRAIN_SECONDS", "SCHEDULER_DRAIN_SECONDS"):
                assert name not in env or pod.spec["terminationGracePeriodSeconds"] > int(env[name] or 0)


def secret_keys(pod: Pod) -> list[tuple[str, str]]:
    """Return name and key of each Secret that the pod reads; the key is empty where it takes all."""
    found = []
    for path, value in walk(pod.spec):
        if path and path[-1] == "secretKeyRef":
            found.append((value["name"], value["key"]))
        elif path and path[-1] == "secret" and isinstance(value, dict):
            items = value.get("items") or [{"key": ""}]
            # In a projected volume, a Secret is named like any other object.
            found += [(value.get("secretName") or value["name"], item["key"]) for item in items]
    return found


def _made_keys(objects: list[Object]) -> set[str]:
    """Return the keys that the credentials Job makes."""
    arguments = [pod.spec["containers"][0]["args"] for pod in pods(objects) if pod.component == "credentials"]
    return {argument.partition("=")[0] for argument in arguments[0][2:]} if arguments else set()


def _config_maps(pod: Pod) -> list[dict[str, Any]]:
    return [volume["configMap"] for volume in pod.spec.get("volumes", []) if "configMap" in volume]


def _claims(pod: Pod) -> list[tuple[str, str]]:
    claims = [
        volume["persistentVolumeClaim"]
        for volume in pod.spec.get("volumes", [])
        if "persistentVolumeClaim" in volume
    ]
    return [("PersistentVolumeClaim", claim["claimName"]) for claim in claims]
