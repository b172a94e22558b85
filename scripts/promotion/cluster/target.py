"""Where an environment is installed: the cluster and the namespace that its policy states."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from basics.errors import PolicyRefused, PromotionError, UsageError
from basics.kubectl import Namespace
from basics.process import run
from basics.wording import few, near
from promotion.configuration.environment import Environment
from promotion.layout import ENVIRONMENTS

_INSTANCE, _COMPONENT = "app.kubernetes.io/instance", "app.kubernetes.io/component"


@dataclass(frozen=True)
class Target:
    """The Helm release of an environment and the namespace that it is in."""

    environment: str
    cluster: Namespace

    @property
    def release(self) -> str:
        """Helm's name of the release."""
        return f"mage-{self.environment}"

    @property
    def selector(self) -> str:
        """The labels of its objects; the pods of blocks are no part of an installation."""
        return f"{_INSTANCE}={self.release},{_COMPONENT}!=executor"

    def __str__(self) -> str:
        return f"{self.release} in {self.cluster}"


def place_of(environment: Environment, context: str | None, namespace: str | None) -> Namespace:
    """Return the namespace to look into: the one that is named, else that of the policy, else the usual one."""
    stated = environment.policy.cluster
    return Namespace(namespace or stated.namespace or environment.name, context=context or stated.context)


def find_target(environment: Environment, context: str | None) -> Target:
    """Return where `environment` is installed; refuse a `context` (None: the stated one) that is not its own."""
    name, place = environment.name, environment.policy.cluster
    path = f"{ENVIRONMENTS}/{name}/policy.yaml"
    if place.context is None:
        wanted = f"`cluster: {{context: NAME, namespace: {place.namespace or name}}}`"
        raise UsageError(
            "no-context",
            f"{path} does not say in which cluster {name} is installed",
            fix=f"write on main, and push: {wanted}; kubectl knows {few(_contexts()) or 'none'}",
        )
    if context not in (None, place.context):
        raise PolicyRefused(
            "wrong-context",
            f"the context {context} is not that of {name}: {path} says {place.context}",
            fix="leave --context out, or correct `cluster` in the policy on main",
        )
    _refuse_unknown(place.context, path)
    return Target(name, Namespace(place.namespace or name, context=place.context))


def _refuse_unknown(context: str, path: str) -> None:
    known = _contexts()
    if context not in known:
        raise PromotionError(
            "unknown-context",
            f"kubectl on this machine knows no context {context}, which {path} names",
            fix=f"give yours that name: kubectl config rename-context YOURS {context}; {near(context, known)}",
        )


def _contexts() -> list[str]:
    return run("kubectl", "config", "get-contexts", "--output=name", cwd=Path.cwd()).decode().split()
