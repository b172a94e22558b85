"""How the project gets its connections: literal ones become variables, and environments supply what it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from promotion.adopting.changes import Change
from promotion.gates.demanded import CONNECTION, not_supplied
from promotion.gates.secret_values import is_name_of_secret, is_secret
from promotion.gates.to_fill_in import TO_FILL_IN
from promotion.pipelines import io_config
from promotion.pipelines.demands import Demands, used_settings
from promotion.pipelines.jinja import SUPPLIED, Leaf
from promotion.repository.tree import Tree

_NOT_IN_A_VARIABLE = re.compile(r"[^A-Z0-9]+")
_NOT_IN_A_SECRET = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Literals:
    """Connections that the project holds itself: what becomes of io_config.yaml, and the values by variable."""

    text: str
    changes: tuple[Change, ...]
    known: Mapping[str, str] = field(repr=False)  # no secrets


def moved_out(tree: Tree, demands: Demands) -> Literals:
    """Return io_config.yaml of `tree` with variables in place of secrets and of connections that are used."""
    lines = io_config.text_of(tree).splitlines(keepends=True)
    changes: list[Change] = []
    known: dict[str, str] = {}
    for leaf in _literals(tree, demands):
        name, key = _variable(leaf), leaf.keys[1]
        secret = _holds_secret(leaf)
        filter_ = " | tojson" if secret else ""  # quotes it, whatever its characters are
        expression = f"{{{{ env_var('{name}'){filter_} }}}}"
        value = expression if secret else f'"{expression}"'
        plain = rf"^(\s*{re.escape(key)}\s*:\s*)[^\s|>&{{\[].*"  # no text of several lines
        line, count = re.subn(plain, rf"\g<1>{value}", lines[leaf.line - 1])
        if count:
            lines[leaf.line - 1] = line
            changes.append(Change(f"{io_config.PATH}:{leaf.line}", f"{key} becomes {expression}"))
            known |= {} if secret else {name: leaf.text}
    return Literals("".join(lines), tuple(changes), known)


def _literals(tree: Tree, demands: Demands) -> Iterator[Leaf]:
    used = {leaf for _, leaf in used_settings(tree, demands.profiles)}
    for leaf in io_config.settings(tree):
        is_literal = len(leaf.keys) == 2 and leaf.text and SUPPLIED not in leaf.text
        if is_literal and (is_secret(leaf.keys[1], leaf.text) or (leaf in used and leaf.keys[1] in CONNECTION)):
            yield leaf


def _holds_secret(leaf: Leaf) -> bool:
    key = leaf.keys[1]
    return is_secret(key, leaf.text) or (key in CONNECTION and is_name_of_secret(key))


def _variable(leaf: Leaf) -> str:
    profile, key = leaf.keys[:2]
    name = key if profile == "default" else f"{profile}_{key}"
    return _NOT_IN_A_VARIABLE.sub("_", name.upper()).strip("_")


# What environments supply


def settings_for(demands: Demands, known: Mapping[str, str], *, first: bool) -> dict[str, str]:
    """Return the plain settings of an environment; the values that are known are those of the `first` one."""
    names = [name for name in not_supplied(demands) if not is_name_of_secret(name)]
    return {name: known.get(name, TO_FILL_IN) if first else TO_FILL_IN for name in names}


def secrets_for(demands: Demands, project: str) -> dict[str, tuple[str, str]]:
    """Return, by variable, name and key of the Secret that has its value: one Secret for the project."""
    secret = _NOT_IN_A_SECRET.sub("-", project.lower()).strip("-") or "project"
    names = [name for name in not_supplied(demands) if is_name_of_secret(name)]
    return {name: (secret, name) for name in [*names, *secrets_of_mage(demands)]}


def secrets_of_mage(demands: Demands) -> Sequence[str]:
    """Return the names by which the project asks Mage for secrets; pods look for variables of these names."""
    return sorted({secret.name for secret in demands.secrets if secret.store == "mage"})
