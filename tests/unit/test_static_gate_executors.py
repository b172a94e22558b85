"""What the static gate says of `executor_type` and `executor_config`: what Mage reads, and the cluster refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from basics.errors import Finding
from helpers import block, metadata_of, only, static_findings, values, write_pipeline

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
