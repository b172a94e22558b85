"""The scheduler of an environment, in the cluster where the environment is installed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from basics.errors import PromotionError
from basics.kubectl import Namespace
from basics.process import CommandError
from promotion.cluster.scheduler_status import SchedulerStatus, read_status
from promotion.cluster.state import RELEASE

_LOG = re.compile(r"[EIW]\d{4} ")  # how kubectl's own messages begin
_SCHEDULER = "app.kubernetes.io/component=scheduler"
_INSTANCE = "app.kubernetes.io/instance"
_REVISION = "controller-revision-hash"
_STATUS = "status"  # the container beside Mage that looks at its database
# It speaks once a minute. `--tail` would cut a line: container runtimes keep long ones in parts.
_SPOKEN = "3m"
_INSTALL = "install a release that was made with this version of the scripts"


@dataclass(frozen=True)
class Scheduler:
    """The pod that starts all scheduled runs, when it started, and the release that it was installed with."""

    cluster: Namespace
    instance: str  # the label of all objects that were installed with it
    pod: str
    started: datetime
    release: int

    def pods(self) -> list[dict[str, Any]]:
        """Return all pods that were installed with it, and those of blocks."""
        selector = f"--selector={_INSTANCE}={self.instance}"
        pods: list[dict[str, Any]] = json.loads(_ask(self.cluster, "get", "pods", selector, "--output=json"))[
            "items"
        ]
        return pods

    def status(self) -> SchedulerStatus:
        """Return what the pod says of its runs and triggers; raise `PromotionError` where it cannot tell.

        The right to read logs is enough.
        """
        asking = ("logs", self.pod, f"--container={_STATUS}", f"--since={_SPOKEN}")
        whole = [line for line in _ask(self.cluster, *asking).splitlines(keepends=True) if line.endswith("\n")]
        if not whole:
            problem = f"{self.cluster}: container {_STATUS} of {self.pod} has said nothing for {_SPOKEN}"
            raise PromotionError("cannot-observe", problem, fix="try again in a minute")
        try:
            status = read_status(whole[-1])
        except (ValueError, KeyError, TypeError) as error:
            problem = f"{self.cluster}: what container {_STATUS} of {self.pod} says cannot be read: {error}"
            raise PromotionError("cannot-observe", problem, fix=_INSTALL) from error
        if status.problem:
            problem = f"{self.cluster}: {self.pod} cannot tell its runs: {status.problem}"
            raise PromotionError("cannot-observe", problem, fix="try again in a minute")
        return status


def find_scheduler(environment: str, cluster: Namespace) -> Scheduler:
    """Return the scheduler of `environment`; raise `PromotionError` where it cannot be asked."""
    shown = _ask(cluster, "get", "statefulsets,pods", f"--selector={_SCHEDULER}", "--output=json")
    found = json.loads(shown)["items"]
    stateful_set = _only("StatefulSet", found, cluster)
    name, known = stateful_set["metadata"]["name"], _variables(stateful_set).get("ENV")
    number = stateful_set["metadata"].get("annotations", {}).get(RELEASE)
    if known != environment:
        raise _unobservable(f"{cluster}: {name} is a scheduler of {known}, not of {environment}")
    if number is None:
        raise _unobservable(f"{cluster}: {name} was installed without a release.yaml")
    pod = _only("Pod", found, cluster)
    is_of_it = pod["metadata"]["labels"].get(_REVISION) == stateful_set["status"].get("updateRevision")
    started = pod["status"].get("startTime")  # not before a node has it
    if not (is_of_it and started):
        told = f"{cluster}: {name} is being replaced, or made"
        raise PromotionError("cannot-observe", told, fix="try again in a minute")
    labels = stateful_set["metadata"]["labels"]
    return Scheduler(
        cluster, labels[_INSTANCE], pod["metadata"]["name"], datetime.fromisoformat(started), int(number)
    )


def _ask(cluster: Namespace, *arguments: str) -> str:
    """Run kubectl in the scheduler's namespace and return what it printed."""
    try:
        return cluster.kubectl(*arguments)
    except CommandError as error:
        said = [line for line in error.stderr.splitlines() if not _LOG.match(line)]
        raise _unobservable("\n".join([f"{cluster}:", *said])) from error


def _only(kind: str, found: Sequence[dict[str, Any]], cluster: Namespace) -> dict[str, Any]:
    of_kind = [item for item in found if item["kind"] == kind]
    if len(of_kind) != 1:
        raise _unobservable(f"{cluster} has {len(of_kind)} {kind}s of a Mage scheduler, not one")
    return of_kind[0]


def _variables(stateful_set: Mapping[str, Any]) -> dict[str, str | None]:
    containers = stateful_set["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value") for container in containers for entry in container.get("env", [])}


def _unobservable(problem: str) -> PromotionError:
    fix = "name the cluster and the namespace of the environment: --context NAME --namespace NAME"
    return PromotionError("cannot-observe", problem, fix=fix)
