"""Settings of an environment that still wait for a person: `scripts/adopt.py` writes them."""

from __future__ import annotations

from collections.abc import Iterator

from basics.errors import Finding
from basics.yaml_file import located
from promotion.configuration.environment import Environment
from promotion.layout import ENVIRONMENTS
from promotion.repository.tree import Tree

TO_FILL_IN = "TODO"


def settings_to_fill_in(tree: Tree, environment: Environment) -> Iterator[Finding]:
    """Yield each setting of `environment` whose value is the mark: a pod would take it for the value."""
    path = f"{ENVIRONMENTS}/{environment.name}/values.yaml"
    for name, value in environment.settings.items():
        if value == TO_FILL_IN:
            fix = "write the value, in each environment; of a secret, move the name to io.secrets"
            problem = f"io.settings.{name}: its value is still to be filled in"
            finding = Finding(path, None, "value-to-fill-in", problem, fix, (environment.name,))
            yield located(finding, tree.text(path))
