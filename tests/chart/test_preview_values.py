"""What a preview installs: the values of an environment, with an end, and with every schedule off."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache

import pytest

from basics.kubectl import Namespace
from chart.engine import Object
from chart.objects import of_kind, one, walk
from chart.rendering import Renderer
from chart.scenarios import ENVIRONMENTS
from helpers import EXAMPLE, repository_files
from promotion.configuration.environment import load_environment
from promotion.previews.install import preview_values
from promotion.previews.preview import Preview
from promotion.repository.tree import Tree, tree_of_folder
from promotion.smoke.sandboxes.throw_away import CREDENTIALS, RELEASE

NAMESPACE = "preview-pr-12"
UNTIL = datetime(2027, 1, 31, 9, 5, tzinfo=UTC)


@cache
def example() -> Tree:
    return tree_of_folder(EXAMPLE, repository_files())


def installed(render: Renderer, name: str, url: str | None = None) -> list[Object]:
    """Return the objects of a preview of the example's environment."""
    preview = Preview(Namespace(NAMESPACE), name, "0" * 40, UNTIL, url)
    values = preview_values(example(), load_environment(example(), name), "mage:src-1", preview)
    if url:
        values["networkPolicy"] = {"webFrom": [{"namespaceSelector": {}}]}
    return render(values, release=RELEASE, namespace=NAMESPACE)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_schedule_is_listed_and_none_fires(render: Renderer, name: str) -> None:
    (text,) = one(installed(render, name), "ConfigMap", f"{RELEASE}-schedules")["data"].values()
    schedules = json.loads(text)
    assert schedules.keys() == load_environment(example(), name).schedules.keys()
    assert {schedule["enabled"] for schedule in schedules.values()} == {False}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_secret_of_the_environment_is_read(render: Renderer, name: str) -> None:
    found = [value["name"] for path, value in walk(installed(render, name)) if path[-1:] == ("secretKeyRef",)]
    assert set(found) == {CREDENTIALS}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_it_ends(render: Renderer, name: str) -> None:
    (cron_job,) = of_kind(installed(render, name), "CronJob")
    assert cron_job["spec"]["schedule"] == "5 * * * *"


def test_nobody_comes_in_from_outside_unless_it_has_an_address(render: Renderer) -> None:
    assert not of_kind(installed(render, "dev"), "Ingress", "HTTPRoute")
    (ingress,) = of_kind(installed(render, "dev", "http://pr-12.previews.example.com"), "Ingress")
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["pr-12.previews.example.com"]
