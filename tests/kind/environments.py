"""dev, staging and prod side by side, as their own values say, with what staging and prod have elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from chart.engine import merged
from helpers import EXAMPLE, git, push, repository_files, write
from kind.cluster import Namespace
from kind.release import ROOT, SMALL, Release, install_all
from runtime.postgres import Server

NAMES = ("dev", "staging", "prod")
_HERE = "127.0.0.1"
_PORT = 5432
_STAND_IN = {"WAREHOUSE_HOST": "warehouse", "SOURCE_HOST": "source"}


@dataclass(frozen=True)
class Environment:
    """One of the three, installed."""

    name: str
    release: Release

    def server(self, database: str) -> Server:
        """Return the PostgreSQL with this database, as the database's owner reaches it from this machine."""
        release = self.release
        if database in release.values["postgres"]["databases"]:
            port = release.forward(f"service/{release.full_name}-postgres", _PORT)
            return Server(_HERE, port, database, release.credential(f"{database}-password"))
        password = release.secret("mage-warehouse", "password")
        return Server(_HERE, release.forward("service/warehouse", _PORT), "mage", password)


def install_environments(releases: Callable[..., Release]) -> dict[str, Environment]:
    """Install all three at once."""
    made = {name: Environment(name, releases(f"mage-{name}")) for name in NAMES}
    install_all(*((environment.release, _prepared(environment)) for environment in made.values()))
    return made


def _prepared(environment: Environment) -> dict[str, Any]:
    """Return the environment's values for this cluster; stand in for databases that it has elsewhere."""
    text = (EXAMPLE / "environments" / environment.name / "values.yaml").read_text()
    values: dict[str, Any] = yaml.safe_load(text)
    # What runs at the full hour would add to the numbers that tests look at.
    asleep = {"schedules": {name: {"enabled": False} for name in values["schedules"]}}
    if values["postgres"]["databases"]:
        return merged([values, SMALL, asleep])
    stand_in(environment.release.namespace)
    return merged([values, SMALL, asleep, {"io": {"settings": _STAND_IN}}])


def example_clone(folder: Path) -> Path:
    """Make a bare remote and a clone of it with the example, chart and all, on main; return the clone."""
    clone = folder / "clone"
    write(clone, {path: file.read_bytes() for path, file in repository_files().items()})
    git(folder, "init", "--quiet", "--template=", "--bare", "--initial-branch=main", "remote.git")
    git(clone, "init", "--quiet", "--template=", "--initial-branch=main")
    git(clone, "remote", "add", "origin", "../remote.git")
    push(clone, "Begin")
    return clone


def change_dev_values(clone: Path, *layers: dict[str, Any]) -> None:
    """Lay something over dev's values on main."""
    file = clone / "environments/dev/values.yaml"
    file.write_text(yaml.safe_dump(merged([yaml.safe_load(file.read_text()), *layers])))
    push(clone)


def stand_in(namespace: Namespace) -> None:
    """Run a PostgreSQL in place of warehouse and source, with the Secrets that values name."""
    password = secrets.token_urlsafe(18)
    for secret in ("mage-warehouse", "mage-source"):
        namespace.make_secret(secret, password=password)
    namespace.kubectl("apply", f"--filename={ROOT}/benchmarks/warehouse.yaml")
