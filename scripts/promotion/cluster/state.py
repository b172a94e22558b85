"""The objects of a Helm release at one moment, and what Kubernetes has said about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from basics.kubectl import Namespace

_KINDS = "pods,persistentvolumeclaims,jobs,deployments,statefulsets,replicasets"
RELEASE = "mage/release"  # the annotation of a workload with the number from release.yaml
WORKLOADS = ("Deployment", "StatefulSet")  # the kinds of them
_TIMES = ("lastTimestamp", "eventTime")  # an event has one of them, or both

Object = Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """Pods, claims and what makes pods, each as `kubectl get` shows it; the events are of any objects."""

    objects: Sequence[Object]
    events: Sequence[Object] = ()

    def of(self, *kinds: str) -> Iterator[Object]:
        """Yield the objects of these kinds."""
        return (each for each in self.objects if each["kind"] in kinds)

    def last_event(self, of: Object) -> Object:
        """Return the newest event about an object; empty where there is none."""
        about = [event for event in self.events if event["involvedObject"].get("uid") == of["metadata"]["uid"]]
        return max(about, key=_moment, default={})


def read_state(namespace: Namespace, selector: str = "") -> State:
    """Read the objects that `selector` (labels) chooses; raises `CommandError`."""
    chosen = [f"--selector={selector}"] if selector else []
    return State(namespace.get(_KINDS, *chosen), namespace.get("events"))


def number_of(workload: Object) -> str | None:
    """Return the number of the release that a workload of Mage is of; PostgreSQL is of none."""
    number: str | None = workload["metadata"].get("annotations", {}).get(RELEASE)
    return number


def containers(pod: Object) -> Iterable[Object]:
    """Return the states of the pod's containers, in the order in which they start."""
    status = pod["status"]
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def _moment(event: Object) -> str:
    """Return when the event came last, as text that sorts by time."""
    series = event.get("series") or {}
    made = event["metadata"].get("creationTimestamp")
    times = [series.get("lastObservedTime"), *(event.get(key) for key in _TIMES), made]
    return max(str(time) for time in times if time)
