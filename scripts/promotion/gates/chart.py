"""What Helm says of a release: the chart of its tree, rendered with the values of its environment."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from basics.errors import Finding
from basics.wording import nearest
from basics.yaml_file import load_mapping, located
from promotion.layout import CHART, ENVIRONMENTS
from promotion.repository.tree import Tree

_TAG = "src-0123456789abcdef"  # in the form that release.yaml will have

# A line of Helm's message about values: where, as a JSON pointer, and what is wrong.
_SCHEMA = re.compile(r"^- at '/?(.*?)': (.*)$", re.MULTILINE)
_QUOTED = re.compile(r"'([^']*)'")
_VALUE = re.compile(r"^'.*' (?=does not match|is not valid)")  # the value may be a misplaced secret
_RULE = re.compile(r"^\s+(\S+) – (.+) – (.+)$", re.MULTILINE)  # a line of the chart's own rules


def chart_findings(tree: Tree, name: str) -> Iterator[Finding]:
    """Yield why `helm install` of the tree's chart would refuse the values of the environment `name`."""
    if f"{CHART}/Chart.yaml" not in tree:
        return
    path = f"{ENVIRONMENTS}/{name}/values.yaml"
    key = f"{name} {tree.under(CHART).digest()} {tree[path].oid}"
    for finding in tree.memory.recall("chart", key, lambda: tuple(_findings(tree, name, path))):
        yield replace(finding, environments=(name,))


def _findings(tree: Tree, name: str, path: str) -> Iterator[Finding]:
    text = tree.text(path)
    values = load_mapping(path, text)
    image = values.setdefault("image", {})
    if isinstance(image, dict):
        image["tag"] = _TAG
    yield from (located(finding, text) for finding in _refusals(tree, name, values))


def _refusals(tree: Tree, name: str, values: dict[str, Any]) -> Iterator[Finding]:
    import helm_python  # imported here: it takes 0.15 s, and only this gate needs it

    path = f"{ENVIRONMENTS}/{name}/values.yaml"
    chart = tree.under(CHART)
    with tempfile.TemporaryDirectory(prefix="chart-") as folder:
        chart.only(chart.texts()).write_to(Path(folder))
        try:
            with helm_python.Chart.load(Path(folder, CHART)) as loaded:
                loaded.validate_schema(values)
                loaded.render(values, name=f"mage-{name}", namespace=name)
        except helm_python.HelmValuesError as error:
            yield from _of_schema(path, str(error))
        except helm_python.HelmError as error:
            yield from _of_templates(path, str(error).replace(folder, "").strip())


def _of_schema(path: str, verdict: str) -> Iterator[Finding]:
    unknown = set()
    for pointer, problem in _SCHEMA.findall(verdict):
        key = pointer.replace("/", ".")
        if problem.startswith("additional propert"):
            for name in _QUOTED.findall(problem):
                unknown.add(name)
                yield _refused(
                    path, f"{key}.{name}".lstrip("."), "is not a value of the chart", _nearest(name, verdict)
                )
        elif not unknown.intersection(_QUOTED.findall(problem)):  # reported already, as an additional property
            yield _refused(path, key, problem, f"correct it on main; {CHART}/values.yaml explains it")


def _nearest(name: str, verdict: str) -> str:
    close = nearest(name, {*_QUOTED.findall(verdict)} - {name})
    return f"write {close[0]}" if close else f"remove it, or promote all pipelines if a newer {CHART} knows it"


def _of_templates(path: str, verdict: str) -> Iterator[Finding]:
    rules = _RULE.findall(verdict)
    for key, problem, fix in rules:
        yield _refused(path, key, problem, fix)
    if not rules:
        fix = f"see it with: helm template mage {CHART} -f {path}"
        yield Finding(CHART, None, "chart-does-not-render", verdict, fix)


def _refused(path: str, key: str, problem: str, fix: str) -> Finding:
    said = _VALUE.sub("", problem)
    return Finding(path, None, "chart-refuses-values", f"{key}: {said}" if key else said, fix)
