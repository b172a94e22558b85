"""What pipelines demand of their environment, and it does not supply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from basics.errors import Finding, Malformed
from basics.wording import near
from basics.yaml_file import line_of
from promotion.configuration.environment import Environment
from promotion.pipelines import io_config
from promotion.pipelines.demands import Demands, Profile, demands_of, used_settings
from promotion.pipelines.jinja import SUPPLIED, is_expression
from promotion.pipelines.project import Project
from promotion.repository.tree import Tree

# Kubernetes, the image or the chart sets them in every pod.
_OF_EVERY_POD = {
    "HOME",
    "HOSTNAME",
    "KUBE_NAMESPACE",
    "LANG",
    "MAGE_CLUSTER_UUID",
    "MAGE_DATA_DIR",
    "MAGE_REPO_PATH",
    "PATH",
    "PWD",
    "TMPDIR",
    "TZ",
    "USER",
}
CONNECTION = {f"POSTGRES_{part}" for part in ("HOST", "PORT", "USER", "DBNAME", "PASSWORD")}


def demanded_findings(project: Project, environment: Environment, names: Iterable[str]) -> Iterator[Finding]:
    """Yield what the pipelines `names` demand and would not find in a pod of `environment`."""
    demands = demands_of(project, names)
    yield from _variables(demands, environment)
    yield from _profiles(project.tree, demands.profiles)
    yield from _literal_connections(project.tree, demands.profiles)


def not_supplied(demands: Demands) -> list[str]:
    """Return the variables of `demands` that an environment has to supply: pods do not have them by themselves."""
    return sorted({variable.name for variable in demands.variables} - _OF_EVERY_POD - {"ENV"})


def _variables(demands: Demands, environment: Environment) -> Iterator[Finding]:
    known = environment.supplied | _OF_EVERY_POD
    for variable in demands.variables:
        if variable.name not in known:
            problem = f"reads {variable.name}, which the environment does not supply"
            fix = f"add {variable.name} to io.settings or io.secrets in environments/<env>/values.yaml, on main"
            concerned = (environment.name,)
            yield Finding(variable.path, variable.line, "name-not-supplied", problem, fix, concerned)


def _profiles(tree: Tree, opened: Iterable[Profile]) -> Iterator[Finding]:
    """Every io profile that a pipeline names must be in `io_config.yaml`."""
    try:
        profiles = io_config.profiles(tree)
    except Malformed as error:
        yield error.finding
        return
    for profile in opened:
        if profile.name not in profiles and not is_expression(profile.name):
            yield _profile_missing(tree, profile, profiles)


def _profile_missing(tree: Tree, profile: Profile, profiles: dict[str, Any]) -> Finding:
    add = f"add it to {io_config.PATH} (a change of the platform: promote all pipelines)"
    fix = f"{near(profile.name, profiles)}; or {add}" if profiles else add
    line = profile.line or line_of(tree.text(profile.path), profile.key)
    problem = f"names the io profile {profile.name!r}, which is not in io_config.yaml"
    return Finding(profile.path, line, "profile-missing", problem, fix)


def _literal_connections(tree: Tree, opened: Iterable[Profile]) -> Iterator[Finding]:
    """A connection must hold only the names of variables: the same file goes to every environment."""
    for path, leaf in used_settings(tree, opened):
        key = leaf.keys[1]
        if key in CONNECTION and leaf.text and SUPPLIED not in leaf.text:
            fix = f"write {key}: \"{{{{ env_var('NAME') }}}}\" and supply NAME in environments/<env>/values.yaml"
            yield Finding(path, leaf.line, "literal-connection", f"{key} holds the value itself", fix)
