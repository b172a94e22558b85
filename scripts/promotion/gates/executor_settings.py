"""`executor_type` and `executor_config`: what the environment's executor cannot do, and what no Job can have.

Checked is only what Mage reads: the settings of blocks where each block is a Job, those of the pipeline where it
runs in one process; and settings of Jobs only where there are Jobs. Mage lays the settings of a block or pipeline
over those of the project, and these over those of the chart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from basics.errors import Finding, Malformed
from basics.yaml_file import load_mapping, located
from promotion.configuration.environment import Environment
from promotion.gates.job_resources import Settings, excess, of_chart, settings_in
from promotion.gates.job_settings import WRAPPED, Fault, faults_of, is_wrapped
from promotion.layout import PROJECT
from promotion.pipelines.demands import METADATA
from promotion.pipelines.jinja import load_template
from promotion.pipelines.project import Project

_K8S, _LOCAL = "k8s", "local_python"
_NEVER_RUN = ("chart", "markdown", "scratchpad")


class _Runner(NamedTuple):
    """A pipeline, or a block of it, and what it says of the executor that it runs in."""

    key: str  # of a block, its key in the file and a dot
    kind: Any
    tells_kind: bool  # itself: otherwise it inherits it
    config: Any

    def makes_jobs(self, executor: str) -> bool:
        """Tell whether it runs in Jobs in an environment with `executor`."""
        return self.kind == _K8S or (executor == _K8S and self.kind in (None, "", _LOCAL))


def executor_findings(project: Project, environment: Environment, names: Iterable[str]) -> Iterator[Finding]:
    """Yield each setting with which no run of the pipelines `names` can succeed in `environment`."""
    for path, (key, problem, fix) in _faults(project, environment, names):
        finding = Finding(path, None, "bad-executor-setting", f"{key}: {problem}", fix, (environment.name,))
        yield located(finding, project.tree.text(path))


def _faults(project: Project, environment: Environment, names: Iterable[str]) -> Iterator[tuple[str, Fault]]:
    """Yield each fault with the file in which it is."""
    executor = environment.executor
    of_environment = of_chart(project.tree, environment) if executor == _K8S else {}
    whole = _of_project(project)
    of_project = settings_in(METADATA, WRAPPED, whole)
    has_jobs = False
    for name in names:
        path = _metadata_of(name)
        for runner in project.recall("executors", name, _runners):
            has_jobs = has_jobs or runner.makes_jobs(executor)
            yield from ((path, fault) for fault in _of_runner(runner, executor))
            if own := _own_settings(path, runner, executor):
                yield from excess(own, {**of_environment, **({} if is_wrapped(runner.config) else of_project)})
    if has_jobs:
        yield from ((METADATA, fault) for fault in faults_of(WRAPPED, whole))
        yield from excess(of_project, of_environment)
        yield from excess(of_environment, {})


def _of_runner(runner: _Runner, executor: str) -> Iterator[Fault]:
    if runner.tells_kind and runner.kind == _K8S and executor != _K8S:
        problem = f"is k8s, but the environment's executor.type is {executor}: its scheduler may make no Jobs"
        fix = "remove it: the environment's values choose the executor; or write `executor: {type: k8s}` there"
        yield f"{runner.key}executor_type", problem, fix
    if runner.makes_jobs(executor):
        yield from faults_of(f"{runner.key}executor_config", runner.config)


def _own_settings(path: str, runner: _Runner, executor: str) -> Settings:
    key = f"{runner.key}executor_config"
    return settings_in(path, key, runner.config) if runner.makes_jobs(executor) else {}


def _of_project(project: Project) -> Any:
    """Return the settings for the Jobs of all pipelines, with a stand-in for what Jinja computes."""
    try:
        text = project.tree.text(METADATA) if METADATA in project.tree else ""
        return load_template(METADATA, text).get(WRAPPED)
    except Malformed:
        return None


def _metadata_of(name: str) -> str:
    return f"{PROJECT}/pipelines/{name}/metadata.yaml"


def _runners(project: Project, name: str) -> list[_Runner]:
    """Return what the pipeline `name` and its blocks say; those that say nothing stand in it as one."""
    path = _metadata_of(name)
    try:
        pipeline = load_mapping(path, project.tree.text(path), unique=False) if path in project.tree else {}
    except Malformed:
        return []  # the closure reports it
    if pipeline.get("type") == "integration":  # its streams have executors of their own
        return []
    kind = pipeline.get("executor_type")
    if pipeline.get("run_pipeline_in_one_process") or pipeline.get("type") == "streaming":
        return [_Runner("", kind, True, pipeline.get("executor_config"))]
    return list(_blocks(pipeline.get("blocks") or [], kind))


def _blocks(blocks: list[Any], kind_of_pipeline: Any) -> Iterator[_Runner]:
    inherited = False
    for number, block in enumerate(blocks):
        if isinstance(block, dict) and block.get("type") not in _NEVER_RUN:
            own, config = block.get("executor_type"), block.get("executor_config")
            inherits = own in (None, "", _LOCAL)
            inherited = inherited or inherits
            if config or not inherits:
                yield _Runner(f"blocks[{number}].", kind_of_pipeline if inherits else own, not inherits, config)
    if inherited:
        yield _Runner("", kind_of_pipeline, True, None)
