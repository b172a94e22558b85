"""The chart rendered by an engine, each combination of values once."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path

from chart.engine import Engine, Object, Values, merged, objects_in
from chart.scenarios import CHART, Scenario


class Renderer:
    """Renders the chart in `chart` and remembers what came out."""

    def __init__(self, engine: Engine, chart: Path = CHART) -> None:
        self.engine, self.chart = engine, chart
        self._texts: dict[str, str] = {}

    def text(self, *layers: Values, release: str = "mage", namespace: str = "data") -> str:
        """Return all manifests as Helm prints them; later `layers` of values win."""
        values = merged(layers)
        key = json.dumps([values, release, namespace], sort_keys=True)
        if key not in self._texts:
            self._texts[key] = self.engine.template(self.chart, values, release, namespace)
        return self._texts[key]

    def __call__(self, *layers: Values, release: str = "mage", namespace: str = "data") -> list[Object]:
        """Return the rendered objects, by kind and name."""
        return objects_in(self.text(*layers, release=release, namespace=namespace))

    def scenario(self, scenario: Scenario, *layers: Values) -> list[Object]:
        """Return the objects of a scenario, with `layers` of values on top."""
        return self(scenario.values, *layers, release=scenario.release, namespace=scenario.namespace)


def changed(objects: Sequence[Object], kind: str, name: str, *path: str | int, to: object) -> list[Object]:
    """Return a copy of the objects in which one value of one object is another: `None` removes it."""
    result = copy.deepcopy(list(objects))
    target = next(item for item in result if (item["kind"], item["metadata"]["name"]) == (kind, name))
    *way, last = path
    for step in way:
        target = target[step]  # type: ignore[index]
    if to is None:
        del target[last]  # type: ignore[arg-type]
    else:
        target[last] = to  # type: ignore[index]
    return result
