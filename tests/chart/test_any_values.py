"""Whatever the schema allows renders valid, restricted objects, or is refused with a reason and a fix."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chart.engine import RenderError
from chart.objects import pods
from chart.overlays import overlays
from chart.pod_security import violations
from chart.rendering import Renderer
from chart.scenarios import CHART, Scenario, scenarios
from chart.validity import schema_errors
from reference.keys import ValuesSchema

REFUSAL = "These values cannot be installed (key – problem – fix):"
# What a user brings along is the user's: further containers and objects are as they were given.
SKIPPED: set[tuple[str, ...]] = {("global",), ("extraObjects",)}


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(scenario=st.sampled_from(list(scenarios())), overlay=overlays(ValuesSchema.load(CHART), SKIPPED))
def test_any_valid_values_give_valid_objects_or_a_reason(
    render: Renderer, scenario: Scenario, overlay: dict[str, Any]
) -> None:
    try:
        objects = render.scenario(scenario, overlay)
    except RenderError as error:
        if REFUSAL in str(error):
            return
        raise
    assert [error for item in objects for error in schema_errors(item, "1.34")] == []
    own = [pod for pod in pods(objects) if not _has_containers_of_the_user(overlay)]
    assert [found for pod in own for found in violations(pod.metadata, pod.spec)] == []


def _has_containers_of_the_user(overlay: dict[str, Any]) -> bool:
    return any(
        "containers" in (overlay.get(part, {}).get("pod") or {}) for part in ("web", "scheduler", "postgres")
    )
