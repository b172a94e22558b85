"""What a cluster runs of an environment, beside what the environment's branch has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from basics.kubectl import Namespace
from basics.process import CommandError
from promotion.cluster.images import running_images, version
from promotion.cluster.state import WORKLOADS, Object, State, containers, number_of, read_state
from promotion.cluster.target import Target
from promotion.cluster.troubles import troubles
from promotion.record.release import Release


@dataclass(frozen=True)
class Live:
    """The place, the number of the release that runs there (None: not one), and what is not as it should be."""

    place: str
    release: str | None
    problems: Sequence[str]
    installed: bool = True  # False also where the cluster does not answer


def read_live(environment: str, place: Namespace, current: Release) -> Live:
    """Ask the cluster what it runs of `environment`, whose branch has `current`. It needs to read only.

    That the cluster does not answer is a problem like the others.
    """
    try:
        state = read_state(place, Target(environment, place).selector)
    except CommandError as error:
        problem = f"the cluster does not answer: {error.last_line}"
        return Live(str(place), None, [problem], installed=False)
    numbers = sorted({number for each in state.of(*WORKLOADS) if (number := number_of(each))})
    release = numbers[0] if len(numbers) == 1 else None
    problems = [*_of_release(numbers, current), *_of_pods(state, environment, current)]
    return Live(str(place), release, problems, installed=bool(numbers))


def _of_release(numbers: Sequence[str], current: Release) -> Iterator[str]:
    if not numbers:
        yield "nothing is installed"
    elif numbers != [str(current.number)]:
        yield f"it runs release {' and '.join(numbers)}, and the branch has {current.number}"


def _of_pods(state: State, environment: str, current: Release) -> Iterator[str]:
    """Yield what keeps pods from working; one that says why it does not start is told once."""
    found = troubles(state)
    yield from map(str, found)
    told = {trouble.name for trouble in found}
    pods = [pod for pod in state.of("Pod") if pod["metadata"]["name"] not in told and _counts(pod)]
    for pod in pods:
        unready = [each["name"] for each in containers(pod) if not each["ready"]]
        if unready:
            yield f"Pod {pod['metadata']['name']}: container {unready[0]} is not ready"
    wanted = current.image.digest or current.image.tag
    for each in running_images(pods, environment):
        if wanted not in (each.digest, version(each.image)):
            yield f"Pod {each.pod}: it runs {each.image}, and the release has {wanted}"


def _counts(pod: Object) -> bool:
    """Whether the pod is to run on: that of a Job or of `helm test` ends; one that is deleted has a successor."""
    owners = {owner["kind"] for owner in pod["metadata"].get("ownerReferences", [])}
    return bool(owners) and owners != {"Job"} and "deletionTimestamp" not in pod["metadata"]
