"""Secrets that Mage is asked to take from a cloud: whether it has the function for that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from basics.errors import Finding
from promotion.layout import PROJECT
from promotion.pipelines.demands import Secret
from promotion.pipelines.secret_stores import CLOUDS, MAGE


def unknown_functions(secrets: Iterable[Secret]) -> Iterator[Finding]:
    """Yield each secret that a template asks for by a function that Mage does not have."""
    for secret in secrets:
        if secret.store not in (MAGE, *CLOUDS):
            problem = f"asks for {secret.name} by {secret.store}_secret_var, which Mage does not know"
            fix = "supply it in io.secrets of environments/<env>/values.yaml, and write env_var('NAME')"
            yield Finding(secret.path, secret.line, "unknown-function", problem, fix)


def missing_packages(
    secrets: Iterable[Secret], locked: Collection[str], promised: Collection[str]
) -> Iterator[Finding]:
    """Yield a finding for each cloud whose packages the image lacks: Mage then has no such function."""
    asked: dict[str, list[Secret]] = defaultdict(list)
    for secret in secrets:
        asked[secret.store].append(secret)
    for store, cloud in CLOUDS.items():
        missing = [package for package in cloud.packages if package not in {*locked, *promised}]
        if missing and asked[store]:
            first, needed = min(asked[store]), " and ".join(missing)
            problem = (
                f"asks {store} for the secret {first.name}; for that Mage needs {needed}, which the lock has not"
            )
            fix = f"add {needed} to {PROJECT}/requirements.txt, run make lock, and promote all pipelines"
            yield Finding(first.path, first.line, "package-missing", problem, fix)
