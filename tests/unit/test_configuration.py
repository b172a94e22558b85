"""An environment's configuration in another shape: refused with its file and key."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from basics.errors import Finding, GateRefused
from helpers import tree_of, values, write
from promotion.configuration.environment import Environment, environment_names, load_environment
from promotion.configuration.interval import is_interval
from promotion.configuration.registry import Registry

BEGIN = "env: dev\nio: {}\n"
EMPTY = BEGIN + "schedules: {}\n"


def finding_in(folder: Path, path: str, text: str) -> Finding:
    write(folder, {path: text})
    with pytest.raises(GateRefused) as refusal:
        load_environment(tree_of(folder), "dev")
    (finding,) = refusal.value.findings
    assert finding.fix
    return finding


def test_environments_come_in_the_order_of_promotion(sources: Path) -> None:
    assert environment_names(tree_of(sources)) == ["dev", "staging", "prod"]


@pytest.mark.parametrize(
    "interval", ["@daily", "@always_on", "0 6 * * *", "*/5 0-6 1,15 jan-mar MON-fri", "0 0 * * 7"]
)
def test_an_interval_that_mage_runs(interval: str) -> None:
    assert is_interval(interval)


@pytest.mark.parametrize(
    "interval",
    ["daily", "", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "*/0 * * * *", "a * * * *"],
)
def test_an_interval_that_mage_cannot_run(interval: str) -> None:
    assert not is_interval(interval)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("env: prod", "env"),
        ("env: dev\nschedules: {}\nio: text", "io"),
        ("env: dev\nschedules: {}", "io"),
        ("env: dev\nio: {}\nschedulez: {}", "schedules"),
        ("env: dev\nschedules: {}\nio: {settings: {A: x}, secrets: {A: {name: x, key: y}}}", "io.secrets.A"),
        ("env: dev\nschedules: {}\nio: {settings: {A: 5432}}", "io.settings.A"),
        ("env: dev\nschedules: {}\nio: {settings: {a b: x}}", "io.settings.a b"),
        ("env: dev\nschedules: {}\nio: {settings: {ENV: prod}}", "io.settings.ENV"),
        ("env: dev\nschedules: {}\nio: {secrets: {a b: {name: x}}}", "io.secrets.a b"),
        ("env: dev\nschedules: {}\nio: {secrets: {A: {key: x}}}", "io.secrets.A.name"),
        ("env: dev\nschedules: {}\nio: {secrets: {A: {name: [x]}}}", "io.secrets.A.name"),
        ("env: dev\nschedules: {}\nio: {secrets: {A: {name: x, key: 1}}}", "io.secrets.A.key"),
        ("env: dev\nschedules: {}\nio: {secrets: {A: {name: x, value: y}}}", "io.secrets.A"),
        ("env: dev\nschedules: {}\nio: {secrets: {A: }}", "io.secrets.A"),
        ("env: dev\nschedules: {}\nio: {existingSecret: [x]}", "io.existingSecret"),
        (EMPTY + "postgres: [x]", "postgres"),
        (EMPTY + "postgres: {databases: lake}", "postgres.databases"),
        (EMPTY + "postgres: {databases: [1]}", "postgres.databases[0]"),
        (EMPTY + "postgres: {databases: [ok, no-name]}", "postgres.databases[1]"),
        (EMPTY + "postgres: {databases: [lake, lake]}", "postgres.databases[1]"),
        (EMPTY + "postgres: {enabled: false, databases: [lake]}", "postgres.databases"),
        ("env: dev\nio: {}\nschedules: [x]", "schedules"),
        (BEGIN + "schedules: {a: {pipeline: orders, enabled: true, timeout: 9}}", "schedules.a.interval"),
        (BEGIN + "schedules: {a: {interval: '@daily', enabled: true, timeout: 9}}", "schedules.a.pipeline"),
        ("env: dev\nio: {}\nschedules: {1: {}}", "schedules"),
    ],
)
def test_values_in_another_shape_are_refused_with_their_key(sources: Path, text: str, key: str) -> None:
    finding = finding_in(sources, "environments/dev/values.yaml", text)
    assert finding.path == "environments/dev/values.yaml"
    assert finding.problem.startswith(f"{key}: ")


DAILY = {"pipeline": "orders", "interval": "@daily", "enabled": True, "timeout": 9}
CALLED = {"type": "api", "pipeline": "orders", "enabled": True, "timeout": 9}
EVENTS = CALLED | {"type": "event", "eventMatchers": [{"name": "landed", "pattern": {"detail": {"key": ["a"]}}}]}


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        (DAILY | {"interval": "daily"}, "interval"),
        (DAILY | {"interval": "61 * * * *"}, "interval"),
        (DAILY | {"timeout": -1}, "timeout"),
        (DAILY | {"timeout": True}, "timeout"),
        (DAILY | {"timeoutStatus": "completed"}, "timeoutStatus"),
        (DAILY | {"x": 1}, "x"),
        (DAILY | {"type": "cron"}, "type"),
        (DAILY | {"name": ""}, "name"),
        (DAILY | {"startTime": "2026-12-01T06:00:00"}, "startTime"),
        (DAILY | {"startTime": "soon"}, "startTime"),
        (DAILY | {"landingTimeEnabled": True}, "landingTimeEnabled"),
        (
            DAILY | {"interval": "0 6 * * *", "startTime": "2026-12-01T06:00:00Z", "landingTimeEnabled": True},
            "landingTimeEnabled",
        ),
        (DAILY | {"skipIfPreviousRunning": "yes"}, "skipIfPreviousRunning"),
        (DAILY | {"pipelineRunLimit": 0}, "pipelineRunLimit"),
        (DAILY | {"sla": "1h"}, "sla"),
        (DAILY | {"variables": {1: 2}}, "variables"),
        (DAILY | {"tags": ["a", "a"]}, "tags"),
        (DAILY | {"token": {"name": "calls", "key": "orders"}}, "token"),
        (CALLED | {"token": "abc"}, "token"),
        (CALLED | {"token": {"name": "calls"}}, "token"),
        (CALLED | {"interval": "@daily"}, "interval"),
        (CALLED | {"createInitialPipelineRun": True}, "createInitialPipelineRun"),
        (CALLED | {"type": "event"}, "eventMatchers"),
        (EVENTS | {"eventMatchers": []}, "eventMatchers"),
        (EVENTS | {"eventMatchers": [{"name": "a", "pattern": {"source": "aws.s3"}}]}, "eventMatchers"),
    ],
)
def test_a_schedule_in_another_shape_is_refused_with_its_key(
    sources: Path, entry: dict[str, Any], key: str
) -> None:
    text = values("dev", schedules={"a": entry})
    finding = finding_in(sources, "environments/dev/values.yaml", text)
    assert finding.problem.startswith(f"schedules.a.{key}: ")
    assert finding.line


def test_the_key_of_an_api_trigger_can_be_a_key_of_a_secret(sources: Path) -> None:
    finding = finding_in(sources, "environments/dev/values.yaml", values("dev", schedules={"a b": CALLED}))
    assert finding.problem.startswith("schedules.a b: ")
    assert "a b" in dev_with(sources, schedules={"a b": DAILY}).schedules


@pytest.mark.parametrize("entry", [DAILY, CALLED, EVENTS, DAILY | {"timeout": 0, "variables": None}])
def test_a_schedule_is_read_as_it_is_written(sources: Path, entry: dict[str, Any]) -> None:
    assert dev_with(sources, schedules={"a": entry}).schedules["a"].entry == entry


def test_a_start_without_quotes_is_the_same_moment(sources: Path) -> None:
    text = values("dev", schedules={"a": DAILY | {"startTime": "NOON"}}).replace("NOON", "2026-12-01T06:00:00Z")
    write(sources, {"environments/dev/values.yaml": text})
    (schedule,) = load_environment(tree_of(sources), "dev").schedules.values()
    assert schedule.start == datetime(2026, 12, 1, 6, tzinfo=UTC)


def dev_with(folder: Path, **changes: Any) -> Environment:
    write(folder, {"environments/dev/values.yaml": values("dev", **changes)})
    return load_environment(tree_of(folder), "dev")


def test_a_database_of_the_chart_supplies_its_five_variables(sources: Path) -> None:
    supplied = dev_with(sources, io={}, postgres={"databases": ["lake"]}).supplied
    assert supplied == {"ENV", "LAKE_HOST", "LAKE_PORT", "LAKE_DATABASE", "LAKE_USER", "LAKE_PASSWORD"}


@pytest.mark.parametrize(
    ("secret", "reference"),
    [
        ({"name": "lake", "key": "pass"}, "lake/pass"),
        ({"name": "lake"}, "lake/TOKEN"),
        ({"key": "pass"}, "shared/pass"),
        ({}, "shared/TOKEN"),
        ({"name": "", "key": ""}, "shared/TOKEN"),
    ],
)
def test_a_secret_without_name_or_key_takes_the_shared_name_and_its_own_as_key(
    sources: Path, secret: dict[str, str], reference: str
) -> None:
    dev = dev_with(sources, io={"existingSecret": "shared", "secrets": {"TOKEN": secret}})
    assert dev.secrets == {"TOKEN": reference}


@pytest.mark.parametrize(
    "io", [{"settings": {"LAKE_HOST": "h"}}, {"secrets": {"LAKE_PASSWORD": {"name": "lake", "key": "password"}}}]
)
def test_a_name_that_a_database_supplies_too_is_refused(sources: Path, io: dict[str, Any]) -> None:
    text = values("dev", io=io, postgres={"databases": ["lake"]})
    finding = finding_in(sources, "environments/dev/values.yaml", text)
    assert "postgres.databases (lake) supplies it too" in finding.problem
    assert finding.problem.startswith("io.")


def test_values_that_are_not_utf8_are_refused(sources: Path) -> None:
    write(sources, {"environments/dev/values.yaml": b"env: caf\xe9\n"})
    with pytest.raises(GateRefused) as refusal:
        load_environment(tree_of(sources), "dev")
    assert [finding.code for finding in refusal.value.findings] == ["not-utf8"]


@pytest.mark.parametrize(
    ("text", "key"),
    [("gates: []", "source"), ("source: main", "gates"), ("source: main\ngates: [magic]", "gates"), ("s: 1", "s")],
)
def test_a_policy_in_another_shape_is_refused_with_its_key(sources: Path, text: str, key: str) -> None:
    finding = finding_in(sources, "environments/dev/policy.yaml", text)
    assert finding.path == "environments/dev/policy.yaml"
    assert finding.problem.startswith(f"{key}: ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("values", "env: dev\nio: {}\nschedules: {}\nschedules: {}\n"),
        ("policy", "source: main\ngates: []\n\nsource: dev\n"),
    ],
)
def test_a_key_that_is_there_twice_is_refused_with_its_line(sources: Path, name: str, text: str) -> None:
    finding = finding_in(sources, f"environments/dev/{name}.yaml", text)
    assert (finding.code, finding.line) == ("duplicate-key", 4)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("io: {}\nschedules: {}\nenv: prod\n", 3),
        ("env: dev\nio:\n  settings:\n    A: x\n    B: 5432\nschedules: {}\n", 5),
        ("env: dev\nio: {}\nschedules:\n  a:\n    pipeline: orders\n", 4),
        ("env: dev\nio: {}\nschedules: {}\npostgres:\n  databases:\n  - a\n  - a\n", 7),
        ("env: dev\nio: {}\n", None),
    ],
)
def test_values_in_another_shape_are_refused_with_the_line_of_the_key(
    sources: Path, text: str, line: int | None
) -> None:
    assert finding_in(sources, "environments/dev/values.yaml", text).line == line


# registry.yaml

REGISTRY = "environments/registry.yaml"


def registry_in(folder: Path, text: str) -> Registry | None:
    write(folder, {REGISTRY: text})
    return load_environment(tree_of(folder), "dev").registry


@pytest.mark.parametrize(
    "repository", ["registry.example.com/team/mage", "localhost:5000/mage", "team/mage", "ghcr.io/a/b_c/d-e.f"]
)
def test_a_registry_is_stated_once_for_all_environments(sources: Path, repository: str) -> None:
    text = f"repository: {repository}\nbase_image: mirror/python:3\nwith_r: false\n"
    assert registry_in(sources, text) == Registry(repository, "mirror/python:3", with_r=False)


@pytest.mark.parametrize("text", ["", 'repository: ""\n', 'repository: ""\nbase_image: ""\nwith_r: true\n'])
def test_no_repository_is_no_registry(sources: Path, text: str) -> None:
    assert registry_in(sources, text) is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("repository: mage", "repository"),
        ("repository: registry.example.com/mage:1", "repository"),
        ("repository: https://registry.example.com/mage", "repository"),
        ("repository: [a/b]", "repository"),
        ("repositroy: a/b", "repositroy"),
        ("repository: a/b\nbase_image: 3", "base_image"),
        ("repository: a/b\nwith_r: maybe", "with_r"),
    ],
)
def test_a_registry_that_cannot_be_understood_is_told_with_its_key(sources: Path, text: str, key: str) -> None:
    finding = finding_in(sources, REGISTRY, text)
    assert (finding.path, finding.problem.partition(": ")[0]) == (REGISTRY, key)
    assert finding.line
