"""What pipelines need of their environment: variables, io profiles and secrets, each with its place."""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from promotion.layout import PROJECT
from promotion.pipelines import dbt_profiles, io_config
from promotion.pipelines.closure import Closure
from promotion.pipelines.environment_reads import r_reads
from promotion.pipelines.io_calls import Opened, Parameter, passed_profiles
from promotion.pipelines.io_clients import Keys, keys_of, reads
from promotion.pipelines.io_template import is_of_template
from promotion.pipelines.jinja import VARIABLE, Asked, Leaf, asked_in, leaves
from promotion.pipelines.project import Project
from promotion.pipelines.python_source import PythonSource, python_sources
from promotion.pipelines.secret_stores import CLOUDS, FUNCTIONS, MAGE
from promotion.repository.tree import Tree

METADATA = f"{PROJECT}/metadata.yaml"
_DEFAULT = "default"
# The settings of the project that Mage needs for every run; it does without the others, for example a webhook.
_OF_EVERY_RUN = ("variables_dir", "remote_variables_dir", "logging_config", "k8s_executor_config")
_TEMPLATES = (".sql", ".yaml", ".yml")  # Mage renders blocks in these languages


class Variable(NamedTuple):
    """An environment variable that is read without a default."""

    path: str
    line: int
    name: str


class Profile(NamedTuple):
    """A place that opens an io profile, and which keys its client reads (None: any key)."""

    path: str
    line: int | None  # None: see `key`
    name: str
    keys: Keys
    key: str = ""  # in YAML, the uuid of the block that names the profile


class Secret(NamedTuple):
    """A secret that Mage reads: from its own database (`mage`), or from a cloud (`aws`, `azure`, `gcp`)."""

    path: str
    line: int
    store: str
    name: str


@dataclass(frozen=True)
class Demands:
    """Everything that some pipelines need; nothing that only other pipelines, or nobody, reads."""

    variables: tuple[Variable, ...] = ()
    profiles: tuple[Profile, ...] = ()
    secrets: tuple[Secret, ...] = ()


def demands_of(project: Project, names: Iterable[str]) -> Demands:
    """Return what the pipelines `names` need, the settings of their io profiles and of the project included."""
    found = [project.recall("demands", name, _demands) for name in names]
    if not found:
        return Demands()
    profiles = {profile for each in found for profile in each.profiles}
    settings = [*used_settings(project.tree, profiles), *_project_settings(project.tree)]
    shared = _Found()
    for path, leaf in settings:
        shared.ask(path, leaf.asked)
    if profiles:
        shared.ask(io_config.PATH, _functions(project.tree))
    return _merged([*found, shared.demands()])


def _functions(tree: Tree) -> Iterator[Asked]:
    """Yield the calls in io_config.yaml of functions that Mage may lack: then it can render no profile at all."""
    for leaf in io_config.settings(tree):
        yield from (each for each in leaf.asked if FUNCTIONS.get(each.function, MAGE) != MAGE)


def opened_profiles(project: Project) -> set[str]:
    """Return the names of the io profiles that the pipelines of `project` open."""
    return {profile.name for profile in demands_of(project, project.pipelines).profiles}


def used_settings(tree: Tree, profiles: Iterable[Profile]) -> Iterator[tuple[str, Leaf]]:
    """Yield the values of `io_config.yaml` that the clients of `profiles` read, each with the file's path."""
    wanted = {(profile.name, profile.keys) for profile in profiles}
    present = io_config.keys(tree)
    for leaf in io_config.settings(tree):
        name = leaf.keys[0]
        if any(name == profile and _uses(keys, leaf, present[name]) for profile, keys in wanted):
            yield io_config.PATH, leaf


def _uses(keys: Keys, leaf: Leaf, profile: Container[str]) -> bool:
    return reads(keys, leaf.keys[1], profile) and not (keys is None and is_of_template(leaf))


def _project_settings(tree: Tree) -> Iterator[tuple[str, Leaf]]:
    if METADATA in tree and tree.is_text(METADATA):
        for leaf in tree.recall("leaves", METADATA, _leaves):
            if leaf.keys[0] in _OF_EVERY_RUN:
                yield METADATA, leaf


def _leaves(content: bytes) -> list[Leaf]:
    return [leaf for leaf in leaves(content.decode()) if leaf.keys]


def _merged(demands: Iterable[Demands]) -> Demands:
    each = list(demands)
    return Demands(
        tuple(sorted({variable for one in each for variable in one.variables})),
        tuple(sorted({profile for one in each for profile in one.profiles}, key=repr)),
        tuple(sorted({secret for one in each for secret in one.secrets})),
    )


class _Found:
    """What was found so far."""

    def __init__(self) -> None:
        self.variables: set[Variable] = set()
        self.profiles: set[Profile] = set()
        self.secrets: set[Secret] = set()

    def ask(self, path: str, asked: Iterable[Asked]) -> None:
        """Add what a template asks for."""
        for each in asked:
            if each.function == VARIABLE:
                self.variables.add(Variable(path, each.line, each.name))
            else:
                self.secrets.add(Secret(path, each.line, FUNCTIONS[each.function], each.name))

    def demands(self) -> Demands:
        """Return all of it, with the variables that Mage needs to find the secrets."""
        for path, line, store, _ in self.secrets:
            needed = CLOUDS[store].variables if store in CLOUDS else ()
            self.variables.update(Variable(path, line, variable) for variable in needed)
        return _merged([Demands(tuple(self.variables), tuple(self.profiles), tuple(self.secrets))])


def _demands(project: Project, name: str) -> Demands:
    """Return what the closure of `name` needs, without the settings that all pipelines share."""
    closure, tree, found = project.closure(name), project.tree, _Found()
    sources = python_sources(tree, closure.files)
    for path, source in sources:
        found.variables.update(Variable(path, line, variable) for variable, line in source.environment)
        found.secrets.update(Secret(path, line, store, secret) for store, secret, line in source.secrets)
    found.profiles.update(_opened(tree, closure, sources))
    for path, asked in tree.recall_each("asked", _rendered(tree, closure), _asked):
        found.ask(path, asked)
    in_r = tree.texts(path for path in closure.files if path.endswith((".r", ".R")))
    for path, names in tree.recall_each("r", in_r, _r_reads):
        found.variables.update(Variable(path, line, variable) for variable, line in names)
    if closure.pipeline:
        _of_blocks(tree, closure, found)
    return found.demands()


def _asked(content: bytes) -> list[Asked]:
    return asked_in(content.decode())


def _r_reads(content: bytes) -> list[tuple[str, int]]:
    return list(r_reads(content.decode()))


def _rendered(tree: Tree, closure: Closure) -> list[str]:
    """Return the files of `closure` that Mage or dbt renders whole; of the others only some values count."""
    paths = (path for path in closure.files if path.endswith(_TEMPLATES))
    return tree.texts(path for path in paths if not _is_read_by_value(path))


def _is_read_by_value(path: str) -> bool:
    folder, name = posixpath.split(path)
    of_pipeline = folder.startswith(f"{PROJECT}/pipelines/")
    return of_pipeline or name in ("profiles.yml", "global_data_products.yaml") or "/dbt_packages/" in path


# Blocks


def _of_blocks(tree: Tree, closure: Closure, found: _Found) -> None:
    """Add what the declarations of blocks need."""
    pipeline = closure.pipeline
    assert pipeline is not None
    if tree.is_text(pipeline.metadata_path):
        for leaf in tree.recall("leaves", pipeline.metadata_path, _leaves):
            if "configuration" in leaf.keys or leaf.keys[-1] == "executor_type":
                found.ask(pipeline.metadata_path, leaf.asked)
    for block, path in zip(pipeline.blocks, closure.block_paths, strict=True):
        profile = block.configuration.get("data_provider_profile")
        if isinstance(profile, str) and block.type != "dbt":
            keys = keys_of(str(block.configuration.get("data_provider")))
            found.profiles.add(Profile(pipeline.metadata_path, None, profile, keys, block.uuid))
        if block.type == "dbt":
            for file, leaf in dbt_profiles.used_settings(tree, block):
                found.ask(file, leaf.asked)
        elif pipeline.type == "streaming" and block.language == "yaml" and path in closure.files:
            found.profiles.update(_of_sink(tree, path))


def _of_sink(tree: Tree, path: str) -> Iterator[Profile]:
    """Yield the profile that a streaming sink opens: its configuration may leave it out."""
    values = {leaf.keys: leaf for leaf in tree.recall("leaves", path, _leaves)} if tree.is_text(path) else {}
    connector, profile = values.get(("connector_type",)), values.get(("profile",))
    if connector and connector.text in _SINKS_WITH_PROFILE:
        line = (profile or connector).line
        yield Profile(path, line, profile.text if profile else _DEFAULT, keys_of(connector.text))


# MAGE.md: sinks-with-profile
_SINKS_WITH_PROFILE = {"bigquery", "clickhouse", "duckdb", "mssql", "mysql", "redshift", "snowflake", "trino"}


# Python


def _opened(tree: Tree, closure: Closure, sources: list[tuple[str, PythonSource]]) -> Iterator[Profile]:
    """Yield the profiles that the code opens; names are followed through the project's own functions."""
    waiting: list[tuple[str, Opened]] = [(path, opened) for path, source in sources for opened in source.opened]
    followed: set[tuple[str, Parameter, Keys]] = set()
    while waiting:
        path, opened = waiting.pop()
        yield from (Profile(path, opened.line, profile, opened.keys) for profile in opened.profiles)
        for parameter in opened.parameters:
            if (path, parameter, opened.keys) not in followed:
                followed.add((path, parameter, opened.keys))
                waiting += _calls_of(tree, path, parameter, opened.keys, sources)


def _calls_of(
    tree: Tree, path: str, parameter: Parameter, keys: Keys, sources: list[tuple[str, PythonSource]]
) -> Iterator[tuple[str, Opened]]:
    """Yield the profiles that calls of the function of `parameter`, which is in the file `path`, name."""
    folder, file = posixpath.split(path)
    module = posixpath.basename(folder) if file == "__init__.py" else file.removesuffix(".py")
    for caller, source in sources:
        if not source.references.error:
            within = None if caller == path else module
            for opened in passed_profiles(tree.text(caller), parameter, keys, within):
                yield caller, opened
