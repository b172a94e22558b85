"""What the static gate says of `executor_type` and `executor_config`: what Mage reads, and the cluster refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from basics.errors import Finding
from helpers import block, metadata_of, only, static_findings, values, write, write_pipeline

K8S = {"executor": {"type": "k8s"}}


def found(folder: Path, own: dict[str, Any], whole: dict[str, Any], **environment: Any) -> list[Finding]:
    """Return what is said of the pipeline `orders`, whose one block has settings of its own."""
    write_pipeline(folder, "orders", [block("load_orders", "data_loader", **own)], **whole)
    findings = static_findings(folder, {"environments/dev/values.yaml": values("dev", **environment)})
    return [finding for finding in findings if finding.code == "bad-executor-setting"]


def line_of(folder: Path, word: str) -> int:
    lines = (folder / metadata_of("orders")).read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if word in line)


def in_block(folder: Path, config: Any) -> list[Finding]:
    return found(folder, {"executor_config": config}, {}, **K8S)


def test_a_job_where_the_scheduler_may_make_none(sources: Path) -> None:
    finding = only(found(sources, {"executor_type": "k8s"}, {}))
    assert finding.problem.startswith(
        "blocks[0].executor_type: is k8s, but the environment's executor.type is local"
    )
    assert finding.path == metadata_of("orders")
    assert finding.line == line_of(sources, "executor_type")


def test_a_pipeline_s_executor_is_that_of_its_blocks_and_told_once(sources: Path) -> None:
    finding = only(found(sources, {"executor_type": "local_python"}, {"executor_type": "k8s"}))
    assert finding.problem.startswith("executor_type: is k8s")


@pytest.mark.parametrize(
    ("own", "whole"),
    [
        ({"executor_type": "local_python", "executor_config": None}, {}),
        ({"executor_type": "local_python_force"}, {"executor_type": "k8s"}),
        ({"executor_type": "k8s"}, {"run_pipeline_in_one_process": True}),
        ({"executor_config": {"resource_requests": {"memory": "8GB"}}}, {}),
    ],
)
def test_what_mage_does_not_read_is_no_fault(sources: Path, own: dict[str, Any], whole: dict[str, Any]) -> None:
    assert found(sources, own, whole) == []


@pytest.mark.parametrize(
    "whole", [{"executor_type": "k8s"}, {"executor_config": {"resource_limits": {"memory": "8GB"}}}]
)
def test_what_is_said_for_a_pipeline_in_pods_of_its_blocks_is_not_read(
    sources: Path, whole: dict[str, Any]
) -> None:
    assert found(sources, {}, whole, **K8S) == []


def test_a_pipeline_in_one_process_is_a_job_with_its_own_settings(sources: Path) -> None:
    whole = {"run_pipeline_in_one_process": True, "executor_config": {"resource_limits": {"memory": "8GB"}}}
    finding = only(found(sources, {}, whole, **K8S))
    assert finding.problem == "executor_config.resource_limits.memory: 8GB is no quantity of Kubernetes"
    assert finding.fix == "write e.g. `memory: 8Gi`"
    assert finding.line == line_of(sources, "memory")


@pytest.mark.parametrize("quantity", ["8GB", "8 Gi", "two", "-1Gi", "1.5.2", True, "8gi"])
def test_a_quantity_that_kubernetes_does_not_know(sources: Path, quantity: Any) -> None:
    finding = only(in_block(sources, {"resource_requests": {"memory": quantity}}))
    assert finding.problem.startswith("blocks[0].executor_config.resource_requests.memory: ")


@pytest.mark.parametrize("quantity", ["8Gi", "500m", 2, 0.5, "1e3", ".5", "1.5Gi", "100M", "1k"])
def test_a_quantity_that_it_knows(sources: Path, quantity: Any) -> None:
    limits = {"cpu": quantity, "nvidia.com/gpu": 1}
    assert in_block(sources, {"resource_limits": limits, "container": {"resources": {"limits": limits}}}) == []


@pytest.mark.parametrize("prefix", ["My_Job", "jobs/", "x" * 60, 7, "{name}"])
def test_a_name_that_no_job_can_have(sources: Path, prefix: Any) -> None:
    finding = only(in_block(sources, {"job_name_prefix": prefix}))
    assert finding.problem.startswith("blocks[0].executor_config.job_name_prefix: Kubernetes refuses a Job with ")


@pytest.mark.parametrize("prefix", ["flights", "flights-2", "data-{trigger_name}", None])
def test_a_name_that_a_job_can_have(sources: Path, prefix: Any) -> None:
    assert in_block(sources, {"job_name_prefix": prefix}) == []


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"resource_limit": {"memory": "8Gi"}}, "resource_limit: "),
        ({"container_config": {"imagePullPolicy": "Always"}}, "container_config.imagePullPolicy: "),
        ({"metadata": {"label": {}}}, "metadata.label: "),
        ({"resource_limits": "8Gi"}, "resource_limits: is not a map"),
        ({"k8s_executor_config": {"memory": "8Gi"}}, "k8s_executor_config.memory: "),
        ({"container": {"resources": {"requests": {"cpu": "two"}}}}, "container.resources.requests.cpu: "),
    ],
)
def test_a_key_with_which_mage_fails(sources: Path, config: dict[str, Any], key: str) -> None:
    assert only(in_block(sources, config)).problem.startswith(f"blocks[0].executor_config.{key}")


def test_settings_that_are_no_map(sources: Path) -> None:
    assert only(in_block(sources, ["memory"])).problem == "blocks[0].executor_config: is not a map"


def test_known_settings_are_no_fault(sources: Path) -> None:
    config = """
        container_config: {image_pull_policy: Always, env: [{name: A, value: b}]}
        metadata: {labels: {team: data}}
        pod: {node_selector: {disk: ssd}}
        job: {active_deadline_seconds: 60}
        service_account_name: flights
        namespace: dev
    """
    assert in_block(sources, yaml.safe_load(config)) == []


# Requests above their limits


def of_chart(folder: Path, **limits: str) -> None:
    content = {"executor": {"type": "local", "resources": {"requests": {"memory": "512Mi"}, "limits": limits}}}
    write(folder, {"charts/mage/values.yaml": yaml.safe_dump(content)})


def with_limits(**limits: str | None) -> dict[str, Any]:
    return {"executor": {"type": "k8s", "resources": {"limits": limits}}}


def test_a_block_that_requests_more_than_the_chart_s_own_limit(sources: Path) -> None:
    of_chart(sources, memory="2Gi")
    finding = only(in_block(sources, {"resource_requests": {"memory": "4096Mi", "cpu": 8}}))
    assert finding.problem == (
        "blocks[0].executor_config.resource_requests.memory: 4096Mi is more than executor.resources.limits.memory,"
        " 2Gi: Kubernetes refuses the pod"
    )
    assert finding.environments == ("dev",)
    assert finding.line == line_of(sources, "memory")


@pytest.mark.parametrize(
    ("limits", "config"),
    [
        ({"memory": "4Gi"}, {}),
        ({"memory": None}, {}),
        ({}, {"resource_limits": {"memory": "4Gi"}}),
        ({}, {"resource_limits": None}),
        ({}, {"resource_limits": {"cpu": "1m"}}),
        ({}, {"container_config": {"resources": {"limits": {"memory": "5Gi"}}}}),
    ],
)
def test_a_request_within_the_limit_that_mage_gives_to_the_pod(
    sources: Path, limits: dict[str, Any], config: dict[str, Any]
) -> None:
    of_chart(sources, memory="2Gi")
    own = {"executor_config": config | {"resource_requests": {"memory": "4G"}}}
    assert found(sources, own, {}, **with_limits(**limits)) == []


def test_a_limit_below_what_the_environment_requests(sources: Path) -> None:
    of_chart(sources)
    finding = only(in_block(sources, {"resource_limits": {"memory": "256Mi"}}))
    assert finding.problem.startswith(
        "blocks[0].executor_config.resource_limits.memory: 256Mi is less than executor.resources.requests.memory"
    )


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"resource_requests": {"cpu": 2}, "resource_limits": {"cpu": "1500m"}}, "resource_requests.cpu"),
        (
            {"container_config": {"resources": {"requests": {"cpu": 2}, "limits": {"cpu": 1}}}},
            "container_config.resources.requests.cpu",
        ),
        (
            {"k8s_executor_config": {"resource_requests": {"memory": "1Ti"}}},
            "k8s_executor_config.resource_requests.memory",
        ),
    ],
)
def test_a_request_above_its_limit_wherever_it_stands(sources: Path, config: dict[str, Any], key: str) -> None:
    of_chart(sources, memory="2Gi")
    assert only(in_block(sources, config)).problem.startswith(f"blocks[0].executor_config.{key}: ")


def test_values_that_request_more_than_they_allow(sources: Path) -> None:
    of_chart(sources, memory="2Gi")
    executor = {"type": "k8s", "resources": {"requests": {"memory": "3Gi"}}}
    finding = only(found(sources, {}, {}, executor=executor))
    assert finding.path == "environments/dev/values.yaml"
    assert finding.problem.startswith("executor.resources.requests.memory: 3Gi is more than ")
    assert finding.line


def test_resources_of_jobs_where_there_are_none(sources: Path) -> None:
    of_chart(sources, memory="256Mi")
    assert found(sources, {"executor_config": {"resource_requests": {"memory": "4Gi"}}}, {}) == []


# The project's settings for all Jobs

OF_PROJECT = "mage_project/metadata.yaml"


def in_project(folder: Path, config: str, own: Any = None, **environment: Any) -> list[Finding]:
    write(folder, {OF_PROJECT: f"project_uuid: x\nk8s_executor_config:\n  {config}\n"})
    return found(folder, {"executor_config": own}, {}, **environment)


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ("resource_limits: {memory: 8GB}", "resource_limits.memory"),
        ("resource_limit: {memory: 8Gi}", "resource_limit"),
        ("job_name_prefix: My_Job", "job_name_prefix"),
        ("pod: {tolerations: [{key: a}, {key: b, tolerationSeconds: 3}]}", "pod.tolerations[1].tolerationSeconds"),
        ("resource_requests: {memory: 3Gi}", "resource_requests.memory"),
    ],
)
def test_settings_for_all_jobs_of_the_project(sources: Path, config: str, key: str) -> None:
    of_chart(sources, memory="2Gi")
    finding = only(in_project(sources, config, **K8S))
    assert (finding.path, finding.line) == (OF_PROJECT, 3)
    assert finding.problem.startswith(f"k8s_executor_config.{key}: ")


@pytest.mark.parametrize(
    "config", ["resource_limits: {memory: {{ env_var('ENV') }}}", "namespace: '{% if 1 %}a{% endif %}'"]
)
def test_what_jinja_computes_is_no_fault(sources: Path, config: str) -> None:
    assert in_project(sources, config, **K8S) == []


def test_settings_of_jobs_where_the_project_s_blocks_make_none(sources: Path) -> None:
    assert in_project(sources, "resource_limits: {memory: 8GB}") == []


def test_a_block_replaces_the_project_s_limits_whole(sources: Path) -> None:
    of_chart(sources)
    own = {"resource_requests": {"cpu": 2}}
    finding = only(in_project(sources, "resource_limits: {cpu: 1}", own, **K8S))
    assert finding.path == metadata_of("orders")
    assert (
        in_project(sources, "resource_limits: {cpu: 1}", own | {"resource_limits": {"memory": "4Gi"}}, **K8S) == []
    )
    assert in_project(sources, "resource_limits: {cpu: 1}", {"k8s_executor_config": own}, **K8S) == []
