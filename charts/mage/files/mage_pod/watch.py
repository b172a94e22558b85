"""Watch a Job of Mage's Kubernetes executor to its end, even while the API server fails; say why it failed."""

from __future__ import annotations

import copy
import itertools
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kubernetes.client import ApiException, Configuration
from mage_ai.services.k8s.job_manager import JobManager
from urllib3 import Retry
from urllib3.exceptions import HTTPError

from mage_pod import disruption, run_image
from mage_pod.jobs import become_expendable
from mage_pod.waiting import until

_SECONDS = 2  # between two looks
_ANSWER_SECONDS = 30
_KILLS = 3  # after which a block runs again
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


class PodKilled(JobFailed):
    """Something other than its code ended the Job's pod."""


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
        for kills in itertools.count(1):
            try:
                self._run_once(command, k8s_config)
                return
            except PodKilled as killed:
                if kills > _KILLS:
                    raise
                self._print(f"{killed} It is made again.")

    def _run_once(self, command: Any, k8s_config: Any) -> None:
        leaving = f"{self.job_name}, which is being deleted, to be gone"
        job = until(self._found, leaving, math.inf, enough=_is_not_leaving, pause=_SECONDS)
        if job is None:
            run_image.keep(self.pod_config, self.job_name)
            self.create_job(self.create_job_object(command, k8s_config=k8s_config))
        job = self._ended()
        failure = None if job.status.succeeded else self._failure(job)
        self.delete_job()
        if failure:
            raise failure

    # MAGE.md: job-ends-with-its-pod
    def create_job_object(self, command: Any, k8s_config: Any = None) -> Any:
        """Return the Job, which outlives pods that are evicted."""
        of_its_own = copy.deepcopy(k8s_config)  # Mage adds the scheduler's volumes to it, each time
        job = super().create_job_object(command, k8s_config=of_its_own)
        job.spec.pod_failure_policy = disruption.failure_policy()
        return job

    # MAGE.md: job-lost-from-sight
    def _found(self) -> Any:
        """Return the Job, or None; raises any error other than "not found"."""
        try:
            return self._read()
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise
            return None

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
        failed = f"The Job {self.job_name} failed"
        if _condition(job, "Failed").reason == "DeadlineExceeded":
            seconds = job.spec.active_deadline_seconds
            return JobFailed(f"{failed}: it ran for more than {seconds} s (executor.activeDeadlineSeconds).")
        name = f"batch.kubernetes.io/job-name={self.job_name}"
        pods = self.core_api_client.list_namespaced_pod(self.namespace, label_selector=name).items
        if not pods:
            return PodKilled(f"{failed}: {_GONE}.")
        last = max(pods, key=lambda pod: pod.metadata.creation_timestamp)
        kind = PodKilled if disruption.was_killed(last) else JobFailed
        return kind(f"{failed}: {_end(last)}.")


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


def _is_not_leaving(job: Any) -> bool:
    return job is None or job.metadata.deletion_timestamp is None


def _has_ended(job: Any) -> bool:
    return bool(_condition(job, "Complete") or _condition(job, "Failed"))


def _condition(job: Any, kind: str) -> Any:
    return next((one for one in job.status.conditions or [] if one.type == kind and one.status == "True"), None)


def _end(pod: Any) -> str:
    """Return why the pod failed."""
    if pod.status.reason:  # from the kubelet, e.g. Evicted
        return f"its pod was ended: {pod.status.reason}: {pod.status.message}".rstrip(". ")
    if disruption.is_out_of_memory(pod):
        limit = (pod.spec.containers[0].resources.limits or {}).get("memory", "none, so the node's")
        return f"its pod was killed: out of memory (executor.resources.limits.memory: {limit})"
    end = disruption.end_of(pod)
    if pod.metadata.deletion_timestamp or not end:
        return _GONE
    if disruption.was_killed(pod):
        return f"its pod was killed from outside, with exit code {end.exit_code}"
    last_words = (end.message or "").strip().rpartition("\n")[2]
    return f"its pod ended with exit code {end.exit_code}: {last_words}"
