"""Triggers in values: their settings reach the Job, their tokens only by reference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chart.engine import Object
from chart.objects import one, pods
from chart.rendering import Renderer
from chart.scenarios import ci_scenario

CALLED: dict[str, Any] = {"type": "api", "pipeline": "p", "enabled": True, "timeout": 60}


@pytest.fixture
def objects(render: Renderer) -> list[Object]:
    return render.scenario(ci_scenario("triggers"))


def sources(objects: list[Object], name: str) -> list[dict[str, Any]]:
    """Return the Secrets that the Job mounts as tokens."""
    (pod,) = [pod for pod in pods(objects) if pod.owner["metadata"]["name"] == f"{name}-schedules"]
    return [
        source["secret"]
        for volume in pod.spec["volumes"]
        if volume["name"] == "trigger-tokens"
        for source in volume["projected"]["sources"]
    ]


def test_the_job_gets_the_schedules_as_they_are_written(objects: list[Object]) -> None:
    text = one(objects, "ConfigMap", "mage-schedules")["data"]["schedules.json"]
    assert json.loads(text) == ci_scenario("triggers").values["schedules"]


def test_each_api_trigger_has_a_token_from_a_secret(objects: list[Object]) -> None:
    assert sources(objects, "mage") == [
        {"name": "mage-credentials", "items": [{"key": "by-a-call-trigger-token", "path": "by-a-call"}]},
        {"name": "calls", "items": [{"key": "flights", "path": "by-a-call-with-its-own-token"}]},
    ]


def test_the_credentials_job_makes_the_tokens_that_nobody_supplies(objects: list[Object]) -> None:
    job = one(objects, "Job", "mage-credentials")
    arguments = job["spec"]["template"]["spec"]["containers"][0]["args"]
    assert [each for each in arguments if "token" in each] == ["by-a-call-trigger-token=password"]


def test_with_a_secret_of_ones_own_the_tokens_are_there(render: Renderer) -> None:
    own = {"credentials": {"existingSecret": "mine"}, "schedules": {"a": CALLED}}
    (source,) = sources(render({"env": "dev"}, own), "mage")
    assert source == {"name": "mine", "items": [{"key": "a-trigger-token", "path": "a"}]}


def test_without_api_triggers_nothing_is_mounted(render: Renderer) -> None:
    assert sources(render({"env": "dev"}), "mage") == []


@pytest.mark.parametrize(
    "text", ["$(HOME)", "a$$b", "$", "quote\" ' \\ back", "two\nlines\t", "é 中 😀", "0123", "true"]
)
def test_a_variable_has_the_value_that_is_written(render: Renderer, text: str) -> None:
    written = {"io": {"settings": {"SETTING": text}}, "pod": {"env": {"VARIABLE": text}}}
    for pod in pods(render({"env": "dev"}, written)):
        if pod.component in ("web", "scheduler", "schedules"):
            names = {item["name"]: item.get("value") for item in pod.spec["containers"][0]["env"]}
            expanded = {name: value.replace("$$", "$") for name, value in names.items() if value}
            assert (expanded["SETTING"], expanded["VARIABLE"]) == (text, text)
            assert "$(" not in names["SETTING"].replace("$$", "")
