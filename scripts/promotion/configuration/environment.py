"""An environment's configuration on `main`: `environments/<env>/values.yaml` and `policy.yaml`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from basics.errors import Finding, GateRefused, Malformed, UsageError
from basics.wording import near
from basics.yaml_file import load_mapping, located, malformed, mapping
from promotion.configuration.connections import Connections, read_connections, variables_of
from promotion.configuration.policy import Policy, read_policy
from promotion.configuration.registry import Registry, read_registry
from promotion.configuration.schedule import Schedule, read_schedule
from promotion.layout import ENVIRONMENTS, REGISTRY
from promotion.options import VERBS
from promotion.repository.git import MAIN
from promotion.repository.tree import Tree

T = TypeVar("T")

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")  # also names a branch, a namespace and a Helm release


@dataclass(frozen=True)
class Environment:
    """What an environment adds to a release: settings, names of secrets and databases, schedules, policy."""

    name: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]  # environment variable → `secret/key`
    databases: tuple[str, ...]  # in the chart's own PostgreSQL
    pod: frozenset[str]  # the environment variables that `pod.env` gives to every pod
    executor: str  # where blocks run on a cluster
    job_resources: Mapping[
        str, Any
    ]  # limits and requests of executor Jobs, where values have others than the chart
    schedules: Mapping[str, Schedule]
    policy: Policy
    registry: Registry | None = None  # None: releases name a tag, and nothing is pushed
    mirrored: bool = False  # values.yaml says itself where the cluster gets the image

    @property
    def from_cluster(self) -> frozenset[str]:
        """The environment variables that get their values in the cluster."""
        return frozenset(self.secrets).union(*map(variables_of, self.databases))

    @property
    def supplied(self) -> frozenset[str]:
        """The environment variables that a block finds in this environment."""
        return self.from_cluster | self.pod | frozenset(self.settings) | {"ENV"}


def configured(tree: Tree) -> list[str]:
    """Return the names of the environments with a folder in `tree`."""
    return sorted({path.split("/")[1] for path in tree.under(ENVIRONMENTS) if path.count("/") > 1})


def environment_names(tree: Tree) -> list[str]:
    """Return the environments that `tree` configures, each after the one that it is promoted from."""
    sources = _sources(tree)
    return sorted(sources, key=lambda name: (len(_way_back(name, sources)), name))


def source_findings(tree: Tree) -> Iterator[Finding]:
    """Yield a finding for each policy whose chain of sources does not begin at `main`."""
    sources = _sources(tree)
    for name, source in sources.items():
        if _way_back(name, sources)[-1] != MAIN:
            path = f"{ENVIRONMENTS}/{name}/policy.yaml"
            fix = f"name {MAIN}, or an environment that is promoted from it"
            problem = f"source: no chain of promotions leads from {MAIN} through {source} to {name}"
            yield located(Finding(path, None, "unknown-source", problem, fix), tree.text(path))


def _sources(tree: Tree) -> dict[str, str]:
    return {name: load_environment(tree, name).policy.source for name in configured(tree)}


def _way_back(name: str, sources: Mapping[str, str]) -> list[str]:
    """Return `name` and its sources, the nearest first, up to one without a source or one that comes twice."""
    way = [name]
    while way[-1] in sources and way[-1] not in way[:-1]:
        way.append(sources[way[-1]])
    return way


def load_environment(tree: Tree, name: str) -> Environment:
    """Read `environments/<name>/`; raise `UsageError` where there is none, `GateRefused` where it has errors."""
    folder = f"{ENVIRONMENTS}/{name}"
    known = configured(tree)
    if name not in known:
        raise UsageError(
            "unknown-environment",
            f"there is no environment {name!r}",
            fix=f"{near(name, known)}; a new one starts with {folder}/ on {MAIN}",
        )
    findings: list[Finding] = []
    if not _NAME.fullmatch(name) or name == MAIN:
        fix = "use lower-case letters, digits and `-`"
        findings.append(Finding(folder, None, "bad-name", f"{name!r} is not a valid name for an environment", fix))
    if name in VERBS:
        problem = f"an environment may not be named {name!r}: it is a verb of scripts/promote.py {name}"
        findings.append(Finding(folder, None, "bad-name", problem, "give the folder another name"))
    values = _load(tree, f"{folder}/values.yaml", lambda path, content: _values(path, name, content), findings)
    policy = _load(tree, f"{folder}/policy.yaml", read_policy, findings)
    registry = _located(tree, REGISTRY, lambda: read_registry(tree), findings)
    if findings or values is None or policy is None:
        raise GateRefused(
            "bad-configuration",
            f"the configuration of {name} is not usable",
            fix="fix it on main",
            findings=findings,
        )
    connections, executor, resources, schedules, mirrored = values
    return Environment(name, *connections, executor, resources, schedules, policy, registry, mirrored)


def _load(tree: Tree, path: str, read: Callable[[str, dict[str, Any]], T], findings: list[Finding]) -> T | None:
    if path not in tree:
        findings.append(Finding(path, None, "file-missing", "the file is missing", f"write {path}"))
        return None
    return _located(tree, path, lambda: read(path, load_mapping(path, tree.text(path))), findings)


def _located(tree: Tree, path: str, read: Callable[[], T], findings: list[Finding]) -> T | None:
    """Return what `read` returns; add to `findings` what is malformed, with its line in `path`."""
    try:
        return read()
    except Malformed as error:
        text = tree.text(path) if tree.is_text(path) else ""
        findings.append(located(error.finding, text))
        return None


class _Values(NamedTuple):
    """What a values.yaml says of its environment."""

    connections: Connections
    executor: str
    job_resources: Mapping[str, Any]
    schedules: Mapping[str, Schedule]
    mirrored: bool


def _values(path: str, name: str, content: dict[str, Any]) -> _Values:
    if content.get("env") != name:
        raise malformed(path, "env", f"is {content.get('env')!r}", f"write `env: {name}`, the name of the folder")
    for key, empty in (("io", "{settings: {}, secrets: {}}"), ("schedules", "{}")):
        if key not in content:
            raise malformed(path, key, "is missing", f"add it; write `{key}: {empty}` if there are none")
    schedules = mapping(path, "schedules", content["schedules"])
    executor = mapping(path, "executor", content.get("executor"))
    return _Values(
        read_connections(path, content),
        str(executor.get("type", "local")),
        mapping(path, "executor.resources", executor.get("resources")),
        {key: read_schedule(path, key, value) for key, value in schedules.items()},
        _is_mirrored(content.get("image")),
    )


def _is_mirrored(image: Any) -> bool:
    return isinstance(image, dict) and bool(image.get("registry") or image.get("repository"))
