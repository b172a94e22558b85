"""The command `helm`, where it is installed, says the same as the engine in the wheel."""

from __future__ import annotations

import shutil

import pytest

from chart.engine import Binary, RenderError, Wheel, objects_in
from chart.rendering import Renderer
from chart.scenarios import Scenario

pytestmark = pytest.mark.skipif(
    not shutil.which("helm"), reason="there is no command `helm` to compare the wheel with"
)


def test_both_render_the_same_objects(render: Renderer, scenario: Scenario) -> None:
    first, second = (
        objects_in(engine.template(render.chart, scenario.values, scenario.release, scenario.namespace))
        for engine in (Wheel(), Binary())
    )
    assert first == second


def test_the_command_lints_strictly_without_a_word(render: Renderer, scenario: Scenario) -> None:
    assert Binary().lint(render.chart, scenario.values) == []


@pytest.mark.parametrize("values", [{"env": ""}, {"env": "dev", "web": {"replica": 1}}], ids=["rule", "schema"])
def test_both_refuse_with_the_same_reason(render: Renderer, values: dict[str, object]) -> None:
    reasons = {"rule": "env – is empty", "schema": "additional properties 'replica' not allowed"}
    expected = reasons["schema" if "web" in values else "rule"]
    for engine in (Wheel(), Binary()):
        with pytest.raises(RenderError, match=expected):
            engine.template(render.chart, values, "mage", "data")
