"""Tell whether the platform or its own code ended a Job's pod: only after the first does the block run again.

Kubernetes marks a pod that it evicts with the condition `DisruptionTarget`. A pod without it that was killed was
deleted, or its process got SIGKILL from somebody, for example from a node that is out of memory.
"""

from __future__ import annotations

from typing import Any

from kubernetes.client import (
    V1PodFailurePolicy,
    V1PodFailurePolicyOnPodConditionsPattern,
    V1PodFailurePolicyRule,
)

from mage_pod import memory

_KILLED = (128 + 9, 128 + 15)  # exit codes: by SIGKILL, and by SIGTERM


def failure_policy() -> V1PodFailurePolicy:
    """Return a policy by which Kubernetes makes another pod of the Job after each that it evicts.

    It makes the next pod when the last one has ended, not before.
    """
    evicted = V1PodFailurePolicyOnPodConditionsPattern(type="DisruptionTarget", status="True")
    return V1PodFailurePolicy(rules=[V1PodFailurePolicyRule(action="Ignore", on_pod_conditions=[evicted])])


def was_killed(pod: Any) -> bool:
    """Whether something other than its code ended the pod. Too much memory is the code's own end."""
    if is_out_of_memory(pod):
        return False
    end = end_of(pod)
    return bool(end is None or end.exit_code in _KILLED or pod.status.reason or pod.metadata.deletion_timestamp)


def is_out_of_memory(pod: Any) -> bool:
    """Whether the pod was killed because it took more memory than its limit."""
    end = end_of(pod)
    return end is not None and (end.reason == "OOMKilled" or end.exit_code == memory.EXIT_CODE)


def end_of(pod: Any) -> Any:
    """Return how the pod's container ended; None if it has not."""
    statuses = pod.status.container_statuses
    return statuses[0].state.terminated if statuses else None
