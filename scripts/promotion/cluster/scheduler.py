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

_LOG = re.compile(r"[EIW]\d{4} ")  # how kubectl's own messages begin
_SCHEDULER = "app.kubernetes.io/component=scheduler"
_REVISION = "controller-revision-hash"
_RELEASE = "mage/release"  # the annotation with the number from release.yaml


@dataclass(frozen=True)
class Scheduler:
    """The pod that starts all scheduled runs, when it started, and the release that it was installed with."""

    cluster: Namespace
    pod: str
    started: datetime
    release: int

    def scheduled_runs(self, since: Mapping[str, datetime]) -> dict[str, dict[str, Any]]:
        """Return `completed`, `failed` and `last` of each pipeline's runs that were scheduled since its time."""
        question = json.dumps({name: moment.isoformat() for name, moment in since.items()})
        asking = ("exec", "--stdin", self.pod, "--container=mage", "--")
        answer = _ask(self.cluster, *asking, "python3", "-m", "mage_pod.scheduled_runs", stdin=question)
        counts: dict[str, dict[str, Any]] = json.loads(answer)
        return counts


def find_scheduler(environment: str, cluster: Namespace) -> Scheduler:
    """Return the scheduler of `environment`; raise `PromotionError` where it cannot be asked."""
    shown = _ask(cluster, "get", "statefulsets,pods", f"--selector={_SCHEDULER}", "--output=json")
    found = json.loads(shown)["items"]
    stateful_set = _only("StatefulSet", found, cluster)
    name, known = stateful_set["metadata"]["name"], _variables(stateful_set).get("ENV")
    number = stateful_set["metadata"].get("annotations", {}).get(_RELEASE)
    if known != environment:
        raise _unobservable(f"{cluster}: {name} is a scheduler of {known}, not of {environment}")
    if number is None:
        raise _unobservable(f"{cluster}: {name} was installed without a release.yaml")
    pod = _only("Pod", found, cluster)
    if pod["metadata"]["labels"].get(_REVISION) != stateful_set["status"]["updateRevision"]:
        raise PromotionError("cannot-observe", f"{cluster}: {name} is being replaced", fix="try again in a minute")
    started = datetime.fromisoformat(pod["status"]["startTime"])
    return Scheduler(cluster, pod["metadata"]["name"], started, int(number))


def _ask(cluster: Namespace, *arguments: str, stdin: str = "") -> str:
    """Run kubectl in the scheduler's namespace and return what it printed."""
    try:
        return cluster.kubectl(*arguments, stdin=stdin)
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
