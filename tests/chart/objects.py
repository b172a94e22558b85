"""Ways through rendered objects: pods with their containers, references to Secrets, accounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chart.engine import Object, identity

HOOK = "helm.sh/hook"


@dataclass(frozen=True)
class Pod:
    """A pod, or the template of pods, with the object that it was found in."""

    owner: Object
    metadata: dict[str, Any]
    spec: dict[str, Any]

    @property
    def name(self) -> str:
        """Kind and name of what makes the pod, e.g. `Deployment/mage-web`."""
        return "/".join(identity(self.owner))

    @property
    def labels(self) -> dict[str, str]:
        """The pod's labels."""
        return dict(self.metadata.get("labels", {}))

    @property
    def component(self) -> str:
        """What the pod is of the application."""
        return self.labels["app.kubernetes.io/component"]

    @property
    def long_running(self) -> bool:
        """Whether the pod is meant to run for ever."""
        return self.owner["kind"] in ("Deployment", "StatefulSet", "DaemonSet")

    @property
    def is_hook(self) -> bool:
        """Whether Helm runs it at an event instead of keeping it."""
        return HOOK in self.owner["metadata"].get("annotations", {})

    @property
    def containers(self) -> list[dict[str, Any]]:
        """All containers: of the start, of the pod and for debugging."""
        kinds = ("initContainers", "containers", "ephemeralContainers")
        return [container for kind in kinds for container in self.spec.get(kind) or []]

    def container(self, name: str) -> dict[str, Any]:
        """Return the container of that name."""
        return next(container for container in self.containers if container["name"] == name)


def pods(objects: Sequence[Object]) -> list[Pod]:
    """Return every pod that the objects make."""
    return [Pod(item, *parts) for item in objects if (parts := _pod_parts(item)) is not None]


def _pod_parts(item: Object) -> tuple[dict[str, Any], dict[str, Any]] | None:
    if item["kind"] == "Pod":
        return item["metadata"], item["spec"]
    if item["kind"] == "PodTemplate":
        template = item["template"]
    elif item["kind"] == "CronJob":
        template = item["spec"]["jobTemplate"]["spec"]["template"]
    else:
        template = (item.get("spec") or {}).get("template")
    if not isinstance(template, dict) or "spec" not in template:
        return None
    return template.get("metadata") or {}, template["spec"]


def of_kind(objects: Sequence[Object], *kinds: str) -> list[Object]:
    """Return the objects of these kinds."""
    return [item for item in objects if item["kind"] in kinds]


def one(objects: Sequence[Object], kind: str, name: str) -> Object:
    """Return the object of that kind and name."""
    found = [item for item in objects if identity(item) == (kind, name)]
    assert len(found) == 1, f"{len(found)} × {kind}/{name} among {[identity(item) for item in objects]}"
    return found[0]


def walk(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value inside of `value` with its path, itself first."""
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from walk(inner, (*path, str(index)))
