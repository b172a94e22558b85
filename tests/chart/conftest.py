"""The engine, the renderer, and one test per scenario for those that ask for `scenario`."""

from __future__ import annotations

import shutil

import pytest

from chart.engine import Object, Wheel
from chart.rendering import Renderer
from chart.scenarios import CHART, Scenario, scenarios


@pytest.fixture(scope="session")
def engine() -> Wheel:
    """The engine of most tests: the same version everywhere, and it starts no process."""
    return Wheel()


@pytest.fixture(scope="session")
def render(engine: Wheel, tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    """Renders the chart as it is when the tests begin: `render(values, …, release=…, namespace=…)`."""
    copy = tmp_path_factory.mktemp("chart") / CHART.name
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return Renderer(engine, copy)


@pytest.fixture(scope="session", params=list(scenarios()), ids=lambda scenario: scenario.name)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Each environment and each file of charts/mage/ci/."""
    found: Scenario = request.param
    return found


@pytest.fixture(scope="session")
def objects(render: Renderer, scenario: Scenario) -> list[Object]:
    """The rendered objects of the scenario; never to be changed."""
    return render.scenario(scenario)
