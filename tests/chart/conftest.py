"""The engine, the renderer, and one test per scenario for those that ask for `scenario`."""

from __future__ import annotations

import pytest

from chart.engine import Engine, Object, best_engine
from chart.rendering import Renderer
from chart.scenarios import Scenario, scenarios


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The user's Helm, or the one in the wheel."""
    return best_engine()


@pytest.fixture(scope="session")
def render(engine: Engine) -> Renderer:
    """Renders the chart: `render(values, …, release=…, namespace=…)`."""
    return Renderer(engine)


@pytest.fixture(scope="session", params=list(scenarios()), ids=lambda scenario: scenario.name)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Each environment and each file of charts/mage/ci/."""
    found: Scenario = request.param
    return found


@pytest.fixture(scope="session")
def objects(render: Renderer, scenario: Scenario) -> list[Object]:
    """The rendered objects of the scenario; never to be changed."""
    return render.scenario(scenario)
