"""What pipelines demand of their environment, and it does not supply."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from basics.errors import Finding, Malformed
from basics.wording import few, near
from basics.yaml_file import line_of, located
from promotion.configuration.environment import Environment
from promotion.gates.cloud_secrets import unknown_functions
from promotion.pipelines import io_config
from promotion.pipelines.demands import Demands, Profile, Secret, Variable, demands_of, used_settings
from promotion.pipelines.io_template import is_placeholder
from promotion.pipelines.jinja import SUPPLIED, is_expression, without_jinja
from promotion.pipelines.project import Project
from promotion.pipelines.secret_stores import MAGE
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


def demanded_findings(
    project: Project, environments: Iterable[Environment], names: Iterable[str]
) -> Iterator[Finding]:
    """Yield what the pipelines `names` demand and would not find in a pod of one of `environments`."""
    demands = demands_of(project, names)
    for environment in environments:
        yield from _variables(demands, environment)
    yield from unknown_functions(demands.secrets)
    yield from _profiles(project.tree, demands.profiles)
    yield from _literals(project.tree, demands.profiles)


def not_supplied(demands: Demands) -> list[str]:
    """Return the variables of `demands` that an environment has to supply: pods do not have them by themselves."""
    return sorted({variable.name for variable in demands.variables} - _OF_EVERY_POD - {"ENV"})


def _variables(demands: Demands, environment: Environment) -> Iterator[Finding]:
    """Yield a finding for each name that is missing: at the first place that reads it, with the others in it."""
    known = environment.supplied | _OF_EVERY_POD
    of_mage = (secret for secret in demands.secrets if secret.store == MAGE)
    asking: list[Variable | Secret] = [*demands.variables, *of_mage]
    places: dict[str, list[Variable | Secret]] = defaultdict(list)
    for each in asking:
        if each.name not in known:
            places[each.name].append(each)
    for name, (first, *others) in places.items():
        is_secret = isinstance(first, Secret)
        what = f"asks Mage for the secret {name}" if is_secret else f"reads {name}"
        also = f"; so do {few([f'{each.path}:{each.line}' for each in others])}" if others else ""
        where = "io.secrets" if is_secret else "io.settings or io.secrets"
        yield Finding(
            first.path,
            first.line,
            "name-not-supplied",
            f"{what}, which the environment does not supply{also}",
            f"add {name} to {where} in environments/<env>/values.yaml, on main",
            (environment.name,),
        )


def _profiles(tree: Tree, opened: Iterable[Profile]) -> Iterator[Finding]:
    """Every io profile that a pipeline names must be in `io_config.yaml`."""
    try:
        profiles = io_config.profiles(tree)
    except Malformed as error:
        text = io_config.text_of(tree) if tree.is_text(io_config.PATH) else ""
        yield located(error.finding, without_jinja(text))
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


def _literals(tree: Tree, opened: Iterable[Profile]) -> Iterator[Finding]:
    """A connection must hold only the names of variables, as the same file goes to every environment."""
    present = io_config.keys(tree)
    for path, leaf in used_settings(tree, opened):
        profile, key = leaf.keys[:2]
        write = f"write {key}: \"{{{{ env_var('NAME') }}}}\" and supply NAME in environments/<env>/values.yaml"
        if key in CONNECTION and leaf.text and SUPPLIED not in leaf.text:
            yield Finding(path, leaf.line, "literal-connection", f"{key} holds the value itself", write)
        elif is_placeholder(leaf, present[profile]):
            problem = (
                f"{'.'.join(leaf.keys[1:])} has the placeholder of Mage's template, with which its client fails"
            )
            fix = f"{write}; or remove {key}, if the client needs none"
            yield Finding(path, leaf.line, "placeholder-in-use", problem, fix)
