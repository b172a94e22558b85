"""`executor_type` and `executor_config` of pipelines and blocks: what the environment's executor cannot do.

Checked is only what Mage reads: the settings of blocks where each block is a Job, those of the pipeline where it
runs in one process; and `executor_config` only where the executor is k8s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from basics.errors import Finding, Malformed
from basics.wording import near
from basics.yaml_file import load_mapping, located
from promotion.configuration.environment import Environment
from promotion.layout import PROJECT
from promotion.pipelines.project import Project

_K8S, _LOCAL = "k8s", "local_python"
_NEVER_RUN = ("chart", "markdown", "scratchpad")
# MAGE.md: executor-config
_KEYS = {
    "config_file",
    "container",
    "container_config",
    "job",
    "job_config",
    "job_name_prefix",
    "k8s_executor_config",
    "meta",
    "metadata",
    "namespace",
    "pod",
    "pod_config",
    "resource_limits",
    "resource_requests",
    "service_account_name",
}
_OBJECTS = {"container_config": "V1Container", "metadata": "V1ObjectMeta"}  # Mage makes them of these keys
# k8s.io/apimachinery, pkg/api/resource/quantity.go; a resource cannot be less than nothing
_QUANTITY = re.compile(r"\+?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")
_IN_JOB_NAME = re.compile(r"[a-z0-9.-]+")
_TRIGGER_NAME = "{trigger_name}"  # Mage puts the trigger's name there
_LONGEST_PREFIX = 53  # the name of a Job has 63 characters at most, and Mage adds ten or more


def executor_findings(project: Project, environment: Environment, names: Iterable[str]) -> Iterator[Finding]:
    """Yield each setting of the pipelines `names` with which no run can succeed in `environment`."""
    for name in names:
        check = partial(_findings, environment.executor)
        for finding in project.recall(f"executors.{environment.executor}", name, check):
            yield replace(finding, environments=(environment.name,))


def _findings(executor: str, project: Project, name: str) -> list[Finding]:
    path = f"{PROJECT}/pipelines/{name}/metadata.yaml"
    try:
        text = project.tree.text(path) if path in project.tree else ""
        pipeline = load_mapping(path, text)
    except Malformed:
        return []  # the closure reports it
    said = (
        Finding(path, None, "bad-executor-setting", f"{key}: {problem}", fix)
        for key, problem, fix in _problems(executor, pipeline)
    )
    return [located(finding, text) for finding in said]


def _problems(executor: str, pipeline: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield key, problem and fix."""
    if pipeline.get("type") == "integration":  # its streams have executors of their own
        return
    whole = pipeline.get("executor_type")
    if pipeline.get("run_pipeline_in_one_process") or pipeline.get("type") == "streaming":
        yield from _settings(executor, "", pipeline, whole)
        return
    inherited = False
    for number, block in enumerate(pipeline.get("blocks") or []):
        if isinstance(block, dict) and block.get("type") not in _NEVER_RUN:
            own = block.get("executor_type")
            inherits = own in (None, "", _LOCAL)
            inherited = inherited or inherits
            yield from _settings(
                executor, f"blocks[{number}].", block, whole if inherits else own, told=not inherits
            )
    if inherited:
        yield from _type(executor, "", whole)


def _settings(
    executor: str, prefix: str, owner: Mapping[str, Any], kind: Any, *, told: bool = True
) -> Iterator[tuple[str, str, str]]:
    if told:
        yield from _type(executor, prefix, kind)
    if kind == _K8S or (executor == _K8S and kind in (None, "", _LOCAL)):
        yield from _config(f"{prefix}executor_config", owner.get("executor_config"))


def _type(executor: str, prefix: str, kind: Any) -> Iterator[tuple[str, str, str]]:
    if kind == _K8S and executor != _K8S:
        problem = f"is k8s, but the environment's executor.type is {executor}: its scheduler may make no Jobs"
        fix = "remove it: the environment's values choose the executor; or write `executor: {type: k8s}` there"
        yield f"{prefix}executor_type", problem, fix


def _config(key: str, config: Any) -> Iterator[tuple[str, str, str]]:
    if not config:
        return
    if not isinstance(config, dict):
        yield key, "is not a map", "write keys of Mage's k8s executor, such as resource_limits"
        return
    inner = config.get("k8s_executor_config")
    if isinstance(inner, dict):  # then Mage reads nothing else
        yield from _config(f"{key}.k8s_executor_config", inner)
        return
    for name in config:
        if name not in _KEYS:
            yield f"{key}.{name}", "Mage does not know this key, and fails", near(str(name), _KEYS)
    for name in ("resource_limits", "resource_requests"):
        yield from _quantities(f"{key}.{name}", config.get(name))
    container = config.get("container")
    for name, kind in _OBJECTS.items():
        yield from _fields(f"{key}.{name}", config.get(name), kind)
    resources = container.get("resources") if isinstance(container, dict) else None
    if isinstance(resources, dict):
        for part in ("limits", "requests"):
            yield from _quantities(f"{key}.container.resources.{part}", resources.get(part))
    yield from _prefix(f"{key}.job_name_prefix", config.get("job_name_prefix"))


def _quantities(key: str, resources: Any) -> Iterator[tuple[str, str, str]]:
    if not resources:
        return
    if not isinstance(resources, dict):
        yield key, "is not a map", "write e.g. `{cpu: 500m, memory: 2Gi}`"
        return
    for name, quantity in resources.items():
        text = str(quantity)
        if isinstance(quantity, bool) or not (_QUANTITY.fullmatch(text) or "{{" in text):
            guess = re.sub(r"(?i)\s*([kmgt])i?b$", lambda unit: f"{unit[1].upper()}i", text)
            example = guess if _QUANTITY.fullmatch(guess) else {"cpu": "500m"}.get(str(name), "8Gi")
            yield f"{key}.{name}", f"{text} is no quantity of Kubernetes", f"write e.g. `{name}: {example}`"


def _fields(key: str, content: Any, kind: str) -> Iterator[tuple[str, str, str]]:
    if not isinstance(content, dict) or not content:
        return
    from kubernetes import client  # imported here: it takes a second, and hardly any project needs it

    known = getattr(client, kind).openapi_types
    for name in content:
        if name not in known:
            yield f"{key}.{name}", f"Kubernetes' client knows no such field of {kind}", near(str(name), known)


def _prefix(key: str, prefix: Any) -> Iterator[tuple[str, str, str]]:
    if not prefix:
        return
    plain = prefix.replace(_TRIGGER_NAME, "a") if isinstance(prefix, str) else ""
    if not _IN_JOB_NAME.fullmatch(plain) or len(plain) > _LONGEST_PREFIX:
        problem = f"Kubernetes refuses a Job with {prefix!r} in its name"
        yield key, problem, f"use at most {_LONGEST_PREFIX} of a-z, digits and `-`"
