"""Watch a Job of Mage's Kubernetes executor to its end, even while the API server fails; say why it failed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kubernetes.client import ApiException, Configuration
from mage_ai.services.k8s.job_manager import JobManager
from urllib3 import Retry
from urllib3.exceptions import HTTPError

from mage_pod.jobs import become_expendable
from mage_pod.waiting import until

_SECONDS = 2  # between two looks
_ANSWER_SECONDS = 30
# About ten minutes without a good answer: an API server that restarts, or a load balancer on its way to another.
_RETRIES = Retry(
    total=12,
    backoff_factor=0.5,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)
_CONFLICT, _NOT_FOUND = 409, 404
_GONE = "its pod was deleted, for example because its node was drained"


class JobFailed(Exception):
    """A Job did not complete; the message says why."""


class Watch(JobManager):  # type: ignore[misc]
    """Makes a Job unless it exists, and watches it to its end."""

    # MAGE.md: job-lost-from-sight
    @classmethod
    def load_config(cls) -> bool:
        """Let every failed call of the API be tried again."""
        loaded: bool = super().load_config()
        configuration = Configuration.get_default_copy()
        configuration.retries = _RETRIES
        Configuration.set_default(configuration)
        return loaded

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Read the scheduler's own pod, which Jobs are copies of; raises `JobFailed`."""
        with _explained():
            super().__init__(*arguments, **options)

    # MAGE.md: job-manager
    def run_job(self, command: Any, k8s_config: Any = None) -> None:
        """Return when the Job has completed; raises `JobFailed`. The Job is removed."""
        become_expendable()  # the Job goes on, and the next scheduler finds it by its name
        with _explained():
            self._run(command, k8s_config)

    def _run(self, command: Any, k8s_config: Any) -> None:
        if not self.job_exists():
            self.create_job(self.create_job_object(command, k8s_config=k8s_config))
        job = self._ended()
        failure = None if job.status.succeeded else self._failure(job)
        self.delete_job()
        if failure:
            raise failure

    # MAGE.md: job-lost-from-sight
    def job_exists(self) -> bool:
        """Whether the Job exists; raises any error other than "not found"."""
        try:
            self._read()
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise
            return False
        return True

    def create_job(self, job: Any) -> None:
        """Make the Job; on a conflict, an earlier call whose answer was lost has made it."""
        try:
            super().create_job(job)
        except ApiException as error:
            if error.status != _CONFLICT:
                raise

    def _read(self) -> Any:
        return self.batch_api_client.read_namespaced_job(
            self.job_name, self.namespace, _request_timeout=_ANSWER_SECONDS
        )

    def _ended(self) -> Any:
        try:  # for ever: a Job's time has a limit of its own
            return until(self._read, f"the end of {self.job_name}", math.inf, enough=_has_ended, pause=_SECONDS)
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise
            raise JobFailed(f"The Job {self.job_name} was deleted by somebody else.") from None

    # MAGE.md: job-reason-lost
    def _failure(self, job: Any) -> JobFailed:
        pods = f"batch.kubernetes.io/job-name={self.job_name}"
        found = self.core_api_client.list_namespaced_pod(self.namespace, label_selector=pods).items
        if _condition(job, "Failed").reason == "DeadlineExceeded":
            seconds = job.spec.active_deadline_seconds
            reason = f"it ran for more than {seconds} s (executor.activeDeadlineSeconds)"
        else:
            reason = _end(found[0]) if found else _GONE
        return JobFailed(f"The Job {self.job_name} failed: {reason}.")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        with suppress(ValueError, KeyError, TypeError):
            error.reason = json.loads(error.body)["message"]
        raise JobFailed(f"The cluster refuses what the executor asks for: {error.status} {error.reason}") from None
    except HTTPError as error:
        raise JobFailed(f"The Kubernetes API has not answered for a long time: {error}") from None


def _has_ended(job: Any) -> bool:
    return bool(_condition(job, "Complete") or _condition(job, "Failed"))


def _condition(job: Any, kind: str) -> Any:
    return next((one for one in job.status.conditions or [] if one.type == kind and one.status == "True"), None)


def _end(pod: Any) -> str:
    """Return why the pod failed."""
    states = [container.state.terminated for container in pod.status.container_statuses or []]
    if pod.status.reason:  # from the kubelet, e.g. Evicted
        return f"its pod was ended: {pod.status.reason}: {pod.status.message}".rstrip(". ")
    if pod.metadata.deletion_timestamp or not states or not states[0]:
        return _GONE
    if states[0].reason == "OOMKilled":
        limit = (pod.spec.containers[0].resources.limits or {}).get("memory", "none, so the node's")
        return f"its pod was killed: out of memory (executor.resources.limits.memory: {limit})"
    last_words = (states[0].message or "").strip().rpartition("\n")[2]
    return f"its pod ended with exit code {states[0].exit_code}: {last_words}"
