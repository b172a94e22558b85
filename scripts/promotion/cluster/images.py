"""Which image the pods of an environment run, as the cluster itself says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")
_COMPONENT = "app.kubernetes.io/component"
_ENDED = ("Succeeded", "Failed")


class Running(NamedTuple):
    """A pod and its image as the pod names it; `digest` is what runs, None if it does not or was not pulled."""

    pod: str
    image: str
    digest: str | None
    is_block: bool = False  # a Job's, with the image of the release that its run began with

    @property
    def version(self) -> str:
        """The digest or else the tag, also of a pod that has not started."""
        return self.digest or version(self.image)


def running_images(pods: Iterable[Mapping[str, Any]], environment: str) -> list[Running]:
    """Return the image of each of `pods` that runs Mage as `environment` and has not ended."""
    return [
        found for pod in pods if pod["status"].get("phase") not in _ENDED for found in _images(pod, environment)
    ]


def version(reference: str) -> str:
    """Return the digest of a reference, or else its tag: two registries may have the same image."""
    return reference.rpartition("@" if "@" in reference else ":")[2]


def _images(pod: Mapping[str, Any], environment: str) -> Iterator[Running]:
    states = {state["name"]: state for state in pod["status"].get("containerStatuses", [])}
    for container in pod["spec"]["containers"]:
        variables = {entry["name"]: entry.get("value") for entry in container.get("env", [])}
        if variables.get("ENV") == environment:  # not a container beside Mage, which has an image of its own
            image, state = container["image"], states.get(container["name"], {})
            is_block = pod["metadata"].get("labels", {}).get(_COMPONENT) == "executor"
            yield Running(pod["metadata"]["name"], image, _digest(image, state), is_block)


def _digest(image: str, state: Mapping[str, Any]) -> str | None:
    """Return the digest of what runs. A node may know the bytes by several, so the pod's own pin goes first."""
    pulled = _DIGEST.search(state.get("imageID", ""))
    if pulled is None:
        return None
    return (_DIGEST.search(image) or pulled)[1]
