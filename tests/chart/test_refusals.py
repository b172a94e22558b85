"""Values that contradict each other are refused: every contradiction at once, as key – problem – fix."""

from __future__ import annotations

from typing import Any

import pytest

from chart.engine import RenderError
from chart.rendering import Renderer

EXTERNAL: dict[str, Any] = {"host": "db.example.com", "passwordSecret": {"name": "db"}}
GIT: dict[str, Any] = {"source": "git", "git": {"repository": "https://git.example.com/a.git"}}
ENTRANCE = {"enabled": True, "host": "mage.example.com"}
ROUTE = {"enabled": True, "parentRefs": [{"name": "public"}]}
OPEN: dict[str, Any] = {"webFrom": [{"namespaceSelector": {}}]}

CALLED: dict[str, Any] = {"type": "api", "pipeline": "p", "enabled": True, "timeout": 60}

CONTRADICTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "no-environment": ("env", {"env": ""}),
    "two-schedulers": ("scheduler.replicas", {"scheduler": {"replicas": 2}}),
    "url-and-parts": (
        "database.external.urlSecret",
        {
            "postgres": {"enabled": False},
            "database": {"external": EXTERNAL | {"urlSecret": {"name": "a", "key": "b"}}},
        },
    ),
    "url-without-key": (
        "database.external.urlSecret.key",
        {"postgres": {"enabled": False}, "database": {"external": {"urlSecret": {"name": "a"}}}},
    ),
    "host-without-password": (
        "database.external.passwordSecret.name",
        {"postgres": {"enabled": False}, "database": {"external": {"host": "db.example.com"}}},
    ),
    "no-database": ("postgres.enabled", {"postgres": {"enabled": False}}),
    "idle-postgres": ("postgres.enabled", {"database": {"external": EXTERNAL}}),
    "databases-nowhere": (
        "postgres.databases",
        {"postgres": {"enabled": False, "databases": ["warehouse"]}, "database": {"external": EXTERNAL}},
    ),
    "database-taken": ("postgres.databases", {"postgres": {"databases": ["mage"]}}),
    "setting-and-secret": (
        "io.secrets.TOKEN",
        {"io": {"settings": {"TOKEN": "a"}, "secrets": {"TOKEN": {"name": "a", "key": "b"}}}},
    ),
    "setting-of-the-chart": ("io.settings.MAGE_DATA_DIR", {"io": {"settings": {"MAGE_DATA_DIR": "/data"}}}),
    "variable-of-the-chart": ("pod.env.ENV", {"pod": {"env": {"ENV": "other"}}}),
    "setting-of-a-database": (
        "io.settings.WAREHOUSE_HOST",
        {"postgres": {"databases": ["warehouse"]}, "io": {"settings": {"WAREHOUSE_HOST": "a"}}},
    ),
    "secret-without-name": ("io.secrets.TOKEN", {"io": {"secrets": {"TOKEN": {"key": "a"}}}}),
    "no-store": ("io.externalSecrets.store.name", {"io": {"externalSecrets": {"enabled": True}}}),
    "schedule-without-interval": ("schedules.a.interval", {"schedules": {"a": CALLED | {"type": "time"}}}),
    "call-with-interval": ("schedules.a.interval", {"schedules": {"a": CALLED | {"interval": "@daily"}}}),
    "event-without-matchers": ("schedules.a.eventMatchers", {"schedules": {"a": CALLED | {"type": "event"}}}),
    "token-for-the-clock": (
        "schedules.a.token",
        {
            "schedules": {
                "a": CALLED | {"type": "time", "interval": "@daily", "token": {"name": "calls", "key": "a"}}
            }
        },
    ),
    "landing-without-start": (
        "schedules.a.landingTimeEnabled",
        {"schedules": {"a": CALLED | {"type": "time", "interval": "@daily", "landingTimeEnabled": True}}},
    ),
    "no-key-of-a-secret": ("schedules.a/b", {"schedules": {"a/b": CALLED}}),
    "no-repository": ("project.git.repository", {"project": {"source": "git"}}),
    "no-git-secret": (
        "project.git.existingSecret",
        {"project": {**GIT, "git": {**GIT["git"], "auth": "password"}}},
    ),
    "password-in-clear": (
        "project.git.auth",
        {
            "project": {
                "source": "git",
                "git": {"repository": "http://x", "auth": "password", "existingSecret": "a"},
            }
        },
    ),
    "two-entrances": ("httpRoute.enabled", {"ingress": ENTRANCE, "httpRoute": ROUTE, "networkPolicy": OPEN}),
    "no-host": ("ingress.host", {"ingress": {"enabled": True}, "networkPolicy": OPEN}),
    "no-gateway": ("httpRoute.parentRefs", {"httpRoute": {"enabled": True}, "networkPolicy": OPEN}),
    "closed-entrance": ("networkPolicy.webFrom", {"ingress": ENTRANCE}),
    "volume-of-the-chart": ("pod.volumes.tmp", {"pod": {"volumes": {"tmp": {"emptyDir": {}}}}}),
    "mount-of-nothing": (
        "pod.volumeMounts.models",
        {"pod": {"volumeMounts": {"models": {"mountPath": "/models"}}}},
    ),
}


def findings(render: Renderer, values: dict[str, Any]) -> list[list[str]]:
    """Return the findings with which the values are refused, each as key, problem and fix."""
    with pytest.raises(RenderError) as refusal:
        render({"env": "dev"}, values)
    lines = [line.strip() for line in str(refusal.value).splitlines()]
    return [line.split(" – ") for line in lines if line.count(" – ") >= 2 and not line.startswith("These")]


@pytest.mark.parametrize(("key", "values"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_is_refused_with_key_problem_and_fix(
    render: Renderer, key: str, values: dict[str, Any]
) -> None:
    assert [finding[0] for finding in findings(render, values)] == [key]


def test_all_contradictions_are_told_at_once(render: Renderer) -> None:
    values = {"env": "", "scheduler": {"replicas": 2}, "ingress": {"enabled": True}}
    keys = [finding[0] for finding in findings(render, values)]
    assert keys == ["env", "scheduler.replicas", "ingress.host", "networkPolicy.webFrom"]
