"""Every pipeline that is named somewhere must be in the release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from basics.errors import Finding, Malformed
from basics.wording import nearest
from basics.yaml_file import load_mapping, located
from promotion.configuration.environment import Environment
from promotion.layout import PROJECT
from promotion.pipelines.pipeline import in_cycles
from promotion.pipelines.project import Project
from promotion.pipelines.python_source import python_sources

_HOOKS = f"{PROJECT}/global_hooks.yaml"


def named_pipeline_findings(
    project: Project, environments: Iterable[Environment], callers: Iterable[str]
) -> Iterator[Finding]:
    """Yield where a missing pipeline is named; of the code, only that of the pipelines `callers` is read."""
    yield from _needs(project)
    yield from _calls(project, callers)
    yield from _hooks(project)
    for environment in environments:
        yield from _schedules(project, environment)


def _missing(name: str, project: Project) -> str:
    """Say how to mend a name of a pipeline that the release lacks: it may be a slip of the hand."""
    ways_out = [f"promote it too (-p {name}) if main has it"]
    ways_out += [f"write {like}" for like in nearest(name, project.pipelines)]
    return ", or ".join(ways_out)


def _needs(project: Project) -> Iterator[Finding]:
    graph = {name: summary.needs for name, summary in project.summaries.items()}
    stuck = in_cycles(graph)
    for name in stuck:
        yield _of_needs(project, name, "cycle", f"a cycle: {', '.join(stuck)}", "remove one of the edges")
    for name, needs in graph.items():
        for needed in needs:
            if needed not in project:
                problem = f"the pipeline {needed} is not in this release"
                yield _of_needs(project, name, "needed-pipeline-missing", problem, _missing(needed, project))


def _of_needs(project: Project, name: str, code: str, problem: str, fix: str) -> Finding:
    path = f"{PROJECT}/pipelines/{name}/promotion.yaml"
    return located(Finding(path, None, code, f"needs: {problem}", fix), project.tree.text(path))


def _calls(project: Project, callers: Iterable[str]) -> Iterator[Finding]:
    """The block fails if the pipeline that it starts or waits for does not exist."""
    for caller in callers:
        for path, name, line in project.recall("calls", caller, _calls_of):
            if name not in project:
                problem = f"starts or waits for the pipeline {name}, which is not in this release"
                yield Finding(path, line, "called-pipeline-missing", problem, _missing(name, project))


def _calls_of(project: Project, name: str) -> list[tuple[str, str, int]]:
    return [
        (path, *call)
        for path, source in python_sources(project.tree, project.closure(name).files)
        # MAGE.md: pipeline-calls
        if any(each.module.startswith("mage_ai.orchestration") for each in source.references.imports)
        for call in source.calls
    ]


def _hooks(project: Project) -> Iterator[Finding]:
    """Mage skips a hook whose pipeline does not exist: only a line in its log says so."""
    try:
        text = project.tree.text(_HOOKS) if _HOOKS in project.tree else ""
        hooks = load_mapping(_HOOKS, text).get("resources")
    except Malformed as error:
        yield located(error.finding, project.tree.text(_HOOKS) if project.tree.is_text(_HOOKS) else "")
        return
    for key, name in _hooked(hooks, "resources"):
        if name not in project:
            problem = f"{key}: the pipeline {name} is not in this release"
            fix = f"{_missing(name, project)}, or remove the hook"
            yield located(Finding(_HOOKS, None, "hooked-pipeline-missing", problem, fix), text)


def _hooked(value: object, key: str) -> Iterator[tuple[str, str]]:
    """Yield the keys below `key` where hooks name their pipelines, and the names."""
    if isinstance(value, dict):
        pipeline = value.get("pipeline")
        if isinstance(pipeline, dict) and isinstance(pipeline.get("uuid"), str):
            yield f"{key}.pipeline.uuid", pipeline["uuid"]
        for name, part in value.items():
            yield from _hooked(part, f"{key}.{name}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _hooked(part, f"{key}[{number}]")


def _schedules(project: Project, environment: Environment) -> Iterator[Finding]:
    path = f"environments/{environment.name}/values.yaml"
    for schedule in environment.schedules.values():
        if schedule.pipeline not in project:
            problem = f"schedules.{schedule.name}: the pipeline {schedule.pipeline} is not in this release"
            fix = f"{_missing(schedule.pipeline, project)}, or remove the schedule on main"
            finding = Finding(path, None, "schedule-without-pipeline", problem, fix, (environment.name,))
            yield located(finding, project.tree.text(path))
