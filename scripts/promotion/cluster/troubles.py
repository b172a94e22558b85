"""Why something does not come up, from what the cluster says: which object, and the reason, in one line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from basics.process import without_credentials
from promotion.cluster.state import Object, State, containers

_STARTING = ("ContainerCreating", "PodInitializing")
_IMAGE = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable")
_PASSED_ON = re.compile(r'[^:"]+ (?:image|reference) "[^"]*": (?:ErrImagePull: )?')
_MISSING = re.compile(r"not found|non-existent")
_CRASHING = ("CrashLoopBackOff", "PostStartHookError")  # how it ended says why
_FAILURES = 2  # of a container that starts again: one is no trouble yet
_NEW_NODE = ("TriggeredScaleUp", "Nominated")  # the cluster autoscaler, or Karpenter, makes a node for the pod
_CLAIM = ("FailedBinding", "ProvisioningFailed")
_OF_A_CLAIM = "PersistentVolumeClaim"  # in the scheduler's words: the claim itself says why
_NOT_MADE = "FailedCreate"


@dataclass(frozen=True)
class Trouble:
    """An object that does not come up, and why; `may_heal`: something is under way that can end it."""

    kind: str
    name: str
    uid: str
    reason: str
    may_heal: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.reason}"


def troubles(state: State) -> list[Trouble]:
    """Return all that is wrong: first what other objects wait for."""
    found = (find(each, state) for kind, find in _FINDERS for each in state.of(kind))
    return list(chain.from_iterable(found))


def _trouble(of: Object, reason: str, *, may_heal: bool = False) -> Trouble:
    line = without_credentials(" ".join(reason.split()))
    return Trouble(of["kind"], of["metadata"]["name"], of["metadata"]["uid"], line, may_heal)


def _of_claim(claim: Object, state: State) -> Iterator[Trouble]:
    event = state.last_event(claim)
    if claim["status"].get("phase") == "Pending" and event.get("reason") in _CLAIM:
        yield _trouble(claim, f"it stays pending: {event['message']}")


def _of_maker(maker: Object, state: State) -> Iterator[Trouble]:
    """Yield why an object that makes pods cannot make one: a quota, or a rule that the pod breaks."""
    event = state.last_event(maker)
    if event.get("reason") == _NOT_MADE and _lacks_pods(maker):
        yield _trouble(maker, f"it can make no pod: {event['message']}")


def _lacks_pods(maker: Object) -> bool:
    wanted, status = maker["spec"].get("replicas"), maker.get("status", {})
    if wanted is None:  # a Job
        return not any(status.get(state) for state in ("active", "succeeded", "failed"))
    return bool(status.get("replicas", 0) < wanted)


def _hindered(pod: Object, state: State) -> Iterator[Trouble]:
    """Yield what keeps a pod, or a container of it, from starting."""
    if "deletionTimestamp" in pod["metadata"]:
        return
    if unplaced := _unplaced(pod):
        if _OF_A_CLAIM not in unplaced:
            yield _trouble(pod, f"no node takes it: {unplaced}", may_heal=_may_find_a_node(pod, state))
    elif _is_starting(pod) and (event := state.last_event(pod)).get("type") == "Warning":
        # A volume may still be attached elsewhere, and a new node may lack its network: both take their time.
        yield _trouble(pod, event["message"], may_heal=not _MISSING.search(event["message"]))
    for container in containers(pod):
        if reason := _hindrance(container):
            yield _trouble(pod, f"container {container['name']}: {reason}")


def _failing(pod: Object, state: State) -> Iterator[Trouble]:
    """Yield how containers of a pod ended that failed for good, or that keep failing."""
    if "deletionTimestamp" in pod["metadata"]:
        return
    for container in containers(pod):
        if ended := _failure(pod, container):
            told = f"container {container['name']} {_ending(ended)}"
            yield _trouble(pod, told, may_heal=_is_tried_again(pod, state))


def _is_tried_again(pod: Object, state: State) -> bool:
    """Tell whether the pod is of a Job that has not failed: it makes another pod, or has."""
    owners = {owner["uid"] for owner in pod["metadata"].get("ownerReferences", [])}
    jobs = (job["status"] for job in state.of("Job") if job["metadata"]["uid"] in owners)
    return any("Failed" not in {each["type"] for each in job.get("conditions", [])} for job in jobs)


def _unplaced(pod: Object) -> str:
    """Return why the scheduler found no node; empty where it did, or has not looked yet."""
    for condition in pod["status"].get("conditions", []):
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return str(condition.get("message", "it does not say why")).partition(". ")[0]
    return ""


def _may_find_a_node(pod: Object, state: State) -> bool:
    """Tell whether a node is being made for the pod, or another pod of the release leaves one."""
    scaling = any(
        event["reason"] in _NEW_NODE and event["involvedObject"].get("uid") == pod["metadata"]["uid"]
        for event in state.events
    )
    return scaling or any("deletionTimestamp" in other["metadata"] for other in state.of("Pod"))


def _is_starting(pod: Object) -> bool:
    """Tell whether no container of the pod has ever run: what it mounts may be missing."""
    states = [container["state"].get("waiting", {}).get("reason") for container in containers(pod)]
    return bool(states) and all(state in _STARTING for state in states)


def _hindrance(container: Object) -> str:
    """Return what keeps a container from starting; empty where it may still start, or has."""
    waits = container["state"].get("waiting", {})
    reason = waits.get("reason")
    if reason is None or reason in (*_STARTING, *_CRASHING):
        return ""
    said = str(waits.get("message", reason))
    return f"the image {container['image']} cannot be pulled: {_answer(said)}" if reason in _IMAGE else said


def _failure(pod: Object, container: Object) -> Mapping[str, object] | None:
    """Return how the container ended, if it failed for good or keeps failing."""
    now = container["state"].get("terminated")
    ended = now or container.get("lastState", {}).get("terminated")
    if not ended or container.get("ready") or (now and now["exitCode"] == 0):
        return None
    failures = container["restartCount"] + ("running" not in container["state"])
    starts_again = pod["spec"]["restartPolicy"] != "Never"
    return None if starts_again and failures < _FAILURES else dict(ended)


def _ending(ended: Mapping[str, object]) -> str:
    said = str(ended.get("message") or "").strip().splitlines()
    last = said[-1].strip() if said else "it left no message: see its log"
    why = {"Error": "", "Completed": ""}.get(str(ended.get("reason")), f" ({ended.get('reason')})")
    return f"ended with exit code {ended['exitCode']}{why}: {last}"


def _answer(message: str) -> str:
    """Return what the registry said, without the layers of programs that passed it on."""
    return _PASSED_ON.sub("", message.rpartition(" desc = ")[2] or message)


# In the order in which objects wait for each other.
_FINDERS: Sequence[tuple[str, Callable[[Object, State], Iterator[Trouble]]]] = (
    ("PersistentVolumeClaim", _of_claim),
    ("StatefulSet", _of_maker),
    ("ReplicaSet", _of_maker),
    ("Job", _of_maker),
    ("Pod", _hindered),
    ("Pod", _failing),
)
