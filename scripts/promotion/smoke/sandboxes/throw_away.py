"""Change an environment's values for a smoke test: the same pods, on another cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promotion.configuration.environment import Environment
from promotion.pipelines.demands import opened_profiles
from promotion.pipelines.io_config import text_of
from promotion.pipelines.own_name import project_folder
from promotion.pipelines.project import Project
from runtime.binding import PLACEHOLDER, bound

RELEASE = "mage"
SOURCE, WAREHOUSE = "smoke_source", "smoke_warehouse"
CREDENTIALS, POSTGRES, WEB = f"{RELEASE}-credentials", f"{RELEASE}-postgres", f"{RELEASE}-web"
OWNER = "owner@example.com"

# Values that name objects of the target's cluster, and what must not happen here.
_LEFT_OUT = (
    "credentials",
    "database",
    "extraObjects",
    "fullnameOverride",
    "httpRoute",
    "ingress",
    "nameOverride",
    "persistence",
    "preview",
    "project",
    "release",
    "schedules",
    "test",
)
_LEFT_OUT_OF_COMPONENTS = ("basePath", "image", "pod", "replicas", "serviceAnnotations", "storage", "storageClass")
_COMPONENTS = ("web", "scheduler", "executor", "jobs", "postgres")
_LITTLE = {"cpu": "20m", "memory": "64Mi"}  # requests only; limits do not change


def throw_away_values(
    values: Mapping[str, Any], environment: Environment, project: Project, image: str
) -> dict[str, Any]:
    """Return the chart's values for a smoke test of `image` as `environment`, which has `values` itself.

    The io profiles of `project` are bound to two databases of the chart's PostgreSQL. Raises `BindingError` when
    one that its pipelines open cannot be bound.
    """
    repository, _, tag = image.rpartition(":")
    kept = {key: value for key, value in values.items() if key not in _LEFT_OUT}
    components = {name: _small(values.get(name) or {}) for name in _COMPONENTS}
    components["postgres"] |= {"enabled": True, "databases": [WAREHOUSE, SOURCE]}
    return (
        kept
        | components
        | {
            "image": {"repository": repository, "tag": tag},
            "project": {"folder": project_folder(project.tree)},
            "io": _io(environment, project),
            "credentials": {"ownerEmail": OWNER},
            "pod": {"env": _texts((values.get("pod") or {}).get("env") or {})},
        }
    )


def _small(component: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in component.items() if key not in _LEFT_OUT_OF_COMPONENTS}
    resources = kept.get("resources") or {}
    return kept | {"resources": {**resources, "requests": _LITTLE}}


def _texts(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that do not come from an object of the target's cluster."""
    return {name: value for name, value in variables.items() if not isinstance(value, dict)}


def _io(environment: Environment, project: Project) -> dict[str, Any]:
    io_config, opened = text_of(project.tree), opened_profiles(project)
    texts = bound(io_config, opened, _login(WAREHOUSE), _login(SOURCE))
    keys = bound(io_config, opened, _password(WAREHOUSE), _password(SOURCE))
    unknown = dict.fromkeys(environment.from_cluster, PLACEHOLDER)
    settings = unknown | dict(environment.settings) | texts
    return {
        "settings": {name: value for name, value in settings.items() if name not in keys},
        "secrets": {name: {"name": CREDENTIALS, "key": key} for name, key in keys.items()},
    }


def _login(database: str) -> dict[str, str]:
    return {
        "POSTGRES_HOST": POSTGRES,
        "POSTGRES_PORT": "5432",
        "POSTGRES_USER": database,
        "POSTGRES_DBNAME": database,
    }


def _password(database: str) -> dict[str, str]:
    return {"POSTGRES_PASSWORD": f"{database}-password"}
