"""How the project gets its connections: literal ones become variables, and environments supply what it reads."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from promotion.adopting.changes import Change
from promotion.gates.demanded import CONNECTION, not_supplied
from promotion.gates.secret_values import is_name_of_secret, is_secret, shapes_in
from promotion.gates.to_fill_in import TO_FILL_IN
from promotion.pipelines import io_config
from promotion.pipelines.demands import Demands, used_settings
from promotion.pipelines.jinja import SUPPLIED, Leaf
from promotion.pipelines.secret_stores import CLOUDS, MAGE
from promotion.repository.tree import Tree

# MAGE.md: io-template
_PLACEHOLDERS = {"hostname", "username"}  # where PostgreSQL is; the other values of `mage init` may be right
_NOT_IN_A_VARIABLE = re.compile(r"[^A-Z0-9]+")
_NOT_IN_A_SECRET = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Literals:
    """Connections that the project holds itself: what becomes of io_config.yaml, and the values by variable."""

    text: str
    changes: tuple[Change, ...]
    known: Mapping[str, str] = field(repr=False)  # no secrets
    secrets: frozenset[str]  # the other variables


def moved_out(tree: Tree, demands: Demands) -> Literals:
    """Return io_config.yaml of `tree` with variables in place of secrets and of connections that are used."""
    lines = io_config.text_of(tree).splitlines(keepends=True)
    moved = [leaf for leaf in _literals(tree, demands) if _rewrite(lines, leaf)]
    changes = (
        Change(f"{io_config.PATH}:{leaf.line}", f"{leaf.keys[1]} becomes {_expression(leaf)}") for leaf in moved
    )
    plain = (leaf for leaf in moved if not _is_secret(leaf) and leaf.text not in _PLACEHOLDERS)
    return Literals(
        "".join(lines),
        tuple(changes),
        {_variable(leaf): leaf.text for leaf in plain},
        frozenset(_variable(leaf) for leaf in moved if _is_secret(leaf)),
    )


def _literals(tree: Tree, demands: Demands) -> Iterator[Leaf]:
    used = {leaf for _, leaf in used_settings(tree, demands.profiles)}
    for leaf in io_config.settings(tree):
        is_literal = len(leaf.keys) == 2 and leaf.text and SUPPLIED not in leaf.text
        if is_literal and (_is_in_clear(leaf) or (leaf in used and leaf.keys[1] in CONNECTION)):
            yield leaf


def _rewrite(lines: list[str], leaf: Leaf) -> bool:
    """Write the variable into the line of `leaf`; tell whether it is there: not for a text of several lines."""
    value = _expression(leaf) if _is_secret(leaf) else f'"{_expression(leaf)}"'
    before = rf"^(\s*{re.escape(leaf.keys[1])}\s*:\s*)[^\s|>&{{\[].*"
    lines[leaf.line - 1], count = re.subn(before, rf"\g<1>{value}", lines[leaf.line - 1])
    return bool(count)


def _expression(leaf: Leaf) -> str:
    filter_ = " | tojson" if _is_secret(leaf) else ""  # quotes it, whatever its characters are
    return f"{{{{ env_var('{_variable(leaf)}'){filter_} }}}}"


def _is_secret(leaf: Leaf) -> bool:
    return is_name_of_secret(leaf.keys[1]) or _is_in_clear(leaf)


def _is_in_clear(leaf: Leaf) -> bool:
    """Tell whether the value is a secret or has one in it, as in `mongodb://ada:PASSWORD@host`."""
    return is_secret(leaf.keys[1], leaf.text) or bool(shapes_in(leaf.text))


def _variable(leaf: Leaf) -> str:
    profile, key = leaf.keys[:2]
    name = key if profile == "default" else f"{profile}_{key}"
    return _NOT_IN_A_VARIABLE.sub("_", name.upper()).strip("_")


# What environments supply


def settings_for(
    demands: Demands, known: Mapping[str, str], secrets: Container[str], *, first: bool
) -> dict[str, str]:
    """Return the plain settings of an environment: all that is demanded but `secrets`, and what is named like one.

    The values that are `known` are those of the `first` environment.
    """
    names = [name for name in _names(demands) if not is_name_of_secret(name) and name not in secrets]
    return {name: known.get(name, TO_FILL_IN) if first else TO_FILL_IN for name in names}


def secrets_for(demands: Demands, secrets: Container[str], project: str) -> dict[str, tuple[str, str]]:
    """Return, by variable, name and key of the Secret that has its value: one Secret for the project."""
    secret = _NOT_IN_A_SECRET.sub("-", project.lower()).strip("-") or "project"
    names = [name for name in _names(demands) if is_name_of_secret(name) or name in secrets]
    return {name: (secret, name) for name in [*names, *secrets_of_mage(demands)]}


def _names(demands: Demands) -> list[str]:
    """Return the variables to supply, the credentials for a cloud that keeps secrets of the project included."""
    clouds = {secret.store for secret in demands.secrets} & CLOUDS.keys()
    return sorted({*not_supplied(demands), *(name for cloud in clouds for name in CLOUDS[cloud].credentials)})


def secrets_of_mage(demands: Demands) -> Sequence[str]:
    """Return the names by which the project asks Mage for secrets; pods look for variables of these names."""
    return sorted({secret.name for secret in demands.secrets if secret.store == MAGE})
