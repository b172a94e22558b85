"""Who installs an environment in its cluster: Argo CD, Flux, or people with Helm."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from basics.kubectl import Namespace
from basics.process import CommandError
from promotion.cluster.state import Object

_TRACKED = "argocd.argoproj.io/tracking-id"  # APPLICATION:…, or NAMESPACE_APPLICATION:… outside its own namespace
_ARGOCD = "argocd"  # its usual namespace
_FLUX = "helm.toolkit.fluxcd.io/"

_Read = Callable[[Mapping[str, Any]], tuple[str, str | None, bool]]


@dataclass(frozen=True)
class Agent:
    """What brings releases here, the object that says how that goes, and its state in its own words.

    `state` is None where there is no object, or where it may not be read.
    """

    kind: str  # Argo CD | Flux | Helm
    namespace: str | None = None
    object: str | None = None  # as kubectl names it
    state: str | None = None
    revision: str | None = None
    fine: bool = True

    def __str__(self) -> str:
        return " ".join(filter(None, [self.kind, self.state, self.revision and f"at {self.revision}"]))

    def again(self, environment: str) -> str:
        """Return the command that installs the release once more, over what was changed by hand."""
        name = (self.object or "").rpartition("/")[2]
        if self.kind == "Argo CD":
            return f"argocd app sync {name}"
        if self.kind == "Flux":
            return f"flux reconcile helmrelease {name} --namespace={self.namespace} --force"
        return f"scripts/deploy.py {environment}"


def find_agent(workload: Object, place: Namespace) -> Agent:
    """Return who installed `workload`, with the state of the object that describes the installation."""
    metadata = workload["metadata"]
    if tracked := metadata.get("annotations", {}).get(_TRACKED):
        namespace, _, name = tracked.partition(":")[0].rpartition("_")
        agent = Agent("Argo CD", namespace or _ARGOCD, f"applications.argoproj.io/{name}")
        return _with_state(agent, place, _of_application)
    labels = metadata.get("labels", {})
    if name := labels.get(f"{_FLUX}name"):
        agent = Agent("Flux", labels[f"{_FLUX}namespace"], f"helmreleases.helm.toolkit.fluxcd.io/{name}")
        return _with_state(agent, place, _of_helm_release)
    return Agent("Helm")


def _with_state(agent: Agent, place: Namespace, read: _Read) -> Agent:
    there = replace(place, name=str(agent.namespace))
    try:
        shown = json.loads(there.kubectl("get", str(agent.object), "--output=json"))
    except CommandError:
        return agent
    state, revision, fine = read(shown.get("status", {}))
    return replace(agent, state=state, revision=revision, fine=fine)


def _of_application(status: Mapping[str, Any]) -> tuple[str, str | None, bool]:
    sync, health = status.get("sync", {}), status.get("health", {})
    states = [sync.get("status", "Unknown"), health.get("status", "Unknown")]
    return ", ".join(states), sync.get("revision"), states == ["Synced", "Healthy"]


def _of_helm_release(status: Mapping[str, Any]) -> tuple[str, str | None, bool]:
    ready: Mapping[str, Any] = next((each for each in status.get("conditions", []) if each["type"] == "Ready"), {})
    return ready.get("reason", "Unknown"), status.get("lastAttemptedRevision"), ready.get("status") == "True"
