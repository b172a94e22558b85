"""The environments of the example: values of the chart, in the same order, so that `diff` tells the story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import EXAMPLE, ROOT

ENVIRONMENTS = sorted(folder.name for folder in (EXAMPLE / "environments").iterdir() if folder.is_dir())
OF_THE_ENVIRONMENT = ("settings", "secrets", "variables")  # names that a team chooses


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def keys(values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in values.items():
        yield above + key
        if isinstance(value, dict) and key not in OF_THE_ENVIRONMENT:
            yield from keys(value, f"{above}{key}.")


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("file", ["values", "policy"])
def test_environments_have_the_same_keys_in_the_same_order(name: str, file: str) -> None:
    first = load(EXAMPLE / f"environments/{ENVIRONMENTS[0]}/{file}.yaml")
    assert list(keys(load(EXAMPLE / f"environments/{name}/{file}.yaml"))) == list(keys(first))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_an_environment_sets_is_a_value_of_the_chart_in_the_charts_order(name: str) -> None:
    known = list(keys(load(ROOT / "charts/mage/values.yaml")))
    own = [
        key for key in keys(load(EXAMPLE / f"environments/{name}/values.yaml")) if not key.startswith("schedules.")
    ]
    assert own == sorted(own, key=known.index)
