"""Whether what runs is what was installed: number, image and health of every pod."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promotion.cluster.images import version
from promotion.cluster.state import WORKLOADS, Object, State, containers, number_of


def differences(state: State, installed: Sequence[Object]) -> Iterator[str]:
    """Yield in one line each what does not run as the objects of the manifest say."""
    live = {(each["kind"], each["metadata"]["name"]): each for each in state.of(*WORKLOADS)}
    for wanted in installed:
        if wanted["kind"] in WORKLOADS:
            key = wanted["kind"], wanted["metadata"]["name"]
            yield from (f"{' '.join(key)}: {problem}" for problem in _of_workload(wanted, live.get(key), state))


def _of_workload(wanted: Object, live: Object | None, state: State) -> Iterator[str]:
    if live is None:
        yield "it is not there"
        return
    told, number = number_of(live), number_of(wanted)
    if told != number:
        yield f"it is of release {told}, not {number}"
    pods = list(_pods(live, state))
    if len(pods) != live["spec"]["replicas"]:
        yield f"{len(pods)} of {live['spec']['replicas']} pods are there"
    for pod in pods:
        yield from (f"pod {pod['metadata']['name']}: {problem}" for problem in _of_pod(wanted, pod))


def _pods(workload: Object, state: State) -> Iterator[Object]:
    """Yield the pods that the workload keeps; those that are going away are not among them."""
    labels = workload["spec"]["selector"]["matchLabels"].items()
    for pod in state.of("Pod"):
        if labels <= pod["metadata"].get("labels", {}).items() and "deletionTimestamp" not in pod["metadata"]:
            yield pod


def _of_pod(wanted: Object, pod: Object) -> Iterator[str]:
    spec = wanted["spec"]["template"]["spec"]
    images = {each["name"]: each["image"] for each in [*spec.get("initContainers", []), *spec["containers"]]}
    running = {each["name"]: each for each in containers(pod)}
    for each in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
        name, status = each["name"], running.get(each["name"])
        if status is None or not status["ready"]:
            yield f"container {name} is not ready"
        elif name in images and version(images[name]) not in map(version, (each["image"], status["imageID"])):
            yield f"container {name} runs {each['image']}, not {images[name]}"
