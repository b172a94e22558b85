"""What Jobs request and what limits them: Kubernetes refuses a pod that requests more than its limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from basics.errors import Malformed
from basics.yaml_file import load_mapping
from promotion.configuration.environment import Environment
from promotion.gates.job_settings import WRAPPED, Fault, below, is_wrapped
from promotion.gates.quantities import amount_of
from promotion.layout import CHART, ENVIRONMENTS
from promotion.repository.tree import Tree

_VALUES = f"{CHART}/values.yaml"
_IN_VALUES = "executor.resources"
_PARTS = ("requests", "limits")


class Setting(NamedTuple):
    """The value of a setting of Jobs, the file with it, and its key there."""

    path: str
    key: str
    value: Any

    def part(self, *names: str) -> Setting:
        """Return what stands in it under `names`."""
        return Setting(self.path, ".".join((self.key, *names)), below(self.value, *names))


Settings = Mapping[str, Setting]
_NONE = Setting("", "", None)


def settings_in(path: str, key: str, config: Any) -> Settings:
    """Return the settings that the value `config` of `key` in the file `path` holds."""
    if not isinstance(config, dict):
        return {}
    if is_wrapped(config):
        return settings_in(path, f"{key}.{WRAPPED}", config[WRAPPED])
    return {name: Setting(path, f"{key}.{name}", value) for name, value in config.items()}


def of_chart(tree: Tree, environment: Environment) -> Settings:
    """Return what the chart of `tree` gives to Jobs in `environment`: the values over the chart's own."""
    path = f"{ENVIRONMENTS}/{environment.name}/values.yaml"
    try:
        values = load_mapping(_VALUES, tree.text(_VALUES)) if _VALUES in tree else {}
    except Malformed:
        values = {}  # the chart does not render either
    by_chart, by_values = below(values, *_IN_VALUES.split(".")), environment.job_resources
    found = {}
    for part in _PARTS:
        quantities = _merged(below(by_chart, part), below(by_values, part))
        found[f"resource_{part}"] = Setting(path, f"{_IN_VALUES}.{part}", quantities)
    return found


def _merged(chart: Any, values: Any) -> dict[str, Any]:
    """Return the quantities that Helm makes of the two: `null` in the values removes one."""
    merged = {**(chart or {}), **(values or {})}
    return {name: quantity for name, quantity in merged.items() if quantity is not None}


def excess(own: Settings, others: Settings) -> Iterator[tuple[str, Fault]]:
    """Yield each request above its limit if `own` says one of the two; `others` hold where `own` says nothing.

    Each comes with the path of the file of `own`.
    """
    requests, limits = _resources({**others, **own})
    paths = {setting.path for setting in own.values()}
    here = next((each for each in (requests, limits) if each.path in paths), None)
    if here is None or not (isinstance(requests.value, dict) and isinstance(limits.value, dict)):
        return
    for name, request in requests.value.items():
        limit = limits.value.get(name)
        amount, most = amount_of(request), amount_of(limit)
        if amount is None or most is None or amount <= most:
            continue
        if here is requests:
            problem = f"{request} is more than {limits.key}.{name}, {limit}"
            fix = f"request at most {limit}, or write a higher limit beside it"
        else:
            problem = f"{limit} is less than {requests.key}.{name}, {request}"
            fix = f"write at least {request}, or a lower request beside it"
        yield here.path, (f"{here.key}.{name}", f"{problem}: Kubernetes refuses the pod", fix)


# MAGE.md: executor-config
def _resources(settings: Settings) -> tuple[Setting, Setting]:
    """Return the requests and the limits that Mage gives to a Job's container."""
    in_config = settings.get("container_config", _NONE).part("resources")
    requests, limits = (settings.get(f"resource_{part}", _NONE) for part in _PARTS)
    if not isinstance(in_config.value, dict) and (requests.value or limits.value):
        return requests, limits
    in_container = settings.get("container", _NONE).part("resources")
    resources = in_config if isinstance(in_config.value, dict) else in_container
    return resources.part("requests"), resources.part("limits")
