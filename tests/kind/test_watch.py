"""A pipeline that passes smoke tests and fails in the cluster: it goes no further, and is taken back alone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import (
    PROJECT,
    Result,
    command,
    digests,
    make_clone,
    promote,
    push,
    record,
    refused,
    released_text,
    run_at_most,
    schedule,
    values,
    write,
    write_policy,
)
from kind.cluster import Cluster, Namespace, eventually
from kind.release import ROOT, SMALL

SECONDS = 900
EXPIRED = "expired-in-the-cluster-alone"
# A smoke test on this machine makes a password of its own: only the cluster has the old one.
LOADER = f"""\
import os

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader


@data_loader
def load(*args, **kwargs):
    if os.environ['WAREHOUSE_PASSWORD'] == '{EXPIRED}':
        raise PermissionError('the warehouse knows another password')
    return ['apple', 'pear']
"""

pytestmark = pytest.mark.timeout(2 * SECONDS)


@dataclass(frozen=True)
class Dev:
    """A clone, and the namespace that the policy of its dev names."""

    clone: Path
    namespace: Namespace

    def run(self, *words: str) -> Result:
        """Run a script, as a program."""
        return run_at_most(SECONDS, command(*words, "--json"), self.clone, **self.namespace.cluster.variables)

    def watch(self, *more: str) -> Result:
        """Watch dev, and do at once what the policy says."""
        return self.run("promote", "watch", "dev", "--yes", *more)

    def policy(self, **keys: Any) -> None:
        """Change the policy of dev on main."""
        write_policy(self.clone, "dev", **keys)
        push(self.clone)


@pytest.fixture(scope="module")
def dev(
    cluster: Cluster,
    namespaces: Callable[[str], Namespace],
    image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Dev:
    """Two pipelines that run every minute; dev's release 2 brought new versions of both, with smoke tests."""
    clone, namespace = make_clone(tmp_path_factory.mktemp("watch")), namespaces("watch")
    namespace.make_secret("warehouse", password=EXPIRED)
    shutil.rmtree(clone / "charts")
    shutil.copytree(ROOT / "charts", clone / "charts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(clone / PROJECT / "pipelines/returns")
    repository, _, _ = image.rpartition(":")
    every_minute = {name: schedule(name, "* * * * *") for name in ("orders", "stock")}
    content = yaml.safe_load(values("dev", schedules=every_minute)) | SMALL | {"image": {"repository": repository}}
    write(
        clone,
        {
            "Dockerfile": f"FROM {image}\nCOPY mage_project /srv/release/mage_project\n",
            "environments/dev/values.yaml": yaml.safe_dump(content),
        },
    )
    dev = Dev(clone, namespace)
    dev.policy(cluster={"context": f"kind-{cluster.name}", "namespace": namespace.name})
    promote(clone, "main", "dev")
    harmless = LOADER.replace("WAREHOUSE_PASSWORD", "ENV")
    loaders = {"orders": harmless, "stock": LOADER}
    write(clone, {f"{PROJECT}/data_loaders/load_{name}.py": code for name, code in loaders.items()})
    dev.policy(gates=["static", "smoke"], watch="10m", on_failure="hold")
    return dev


@pytest.fixture(scope="module")
def promoted(dev: Dev) -> Result:
    """The promotion of release 2."""
    return dev.run("promote", "main", "dev", "--yes")


def test_it_passes_its_smoke_test_on_this_machine(dev: Dev, promoted: Result) -> None:
    assert promoted.exit_code == 0, promoted.stderr
    assert set(record(dev.clone, "dev")["gates"]["smoke"]) == {"orders", "stock"}
    waiting = dev.watch("--once")
    assert waiting.exit_code == 0, waiting.stderr
    assert waiting.document["watched"]["state"] == "waiting"


@pytest.fixture(scope="module")
def held(dev: Dev, promoted: Result, image_of: Callable[[Path], str]) -> Result:
    """A look at the installed release, as soon as scheduled runs have ended."""
    assert promoted.exit_code == 0, promoted.stderr
    image_of(dev.clone)
    deployed = dev.run("deploy", "dev", "--yes")
    assert deployed.exit_code == 0, deployed.stderr

    def failed() -> Result | None:
        seen = dev.watch("--once")
        return seen if seen.exit_code == 7 and runs(seen)["orders"]["completed"] else None

    return eventually(failed, "a failed run of stock, and a completed one of orders", 300, pause=5)


def runs(seen: Result) -> dict[str, Any]:
    """Return how many runs of each changed pipeline the watch saw."""
    counts: dict[str, Any] = seen.document["watched"]["runs"]
    return counts


def test_the_failure_is_told_with_block_and_run(held: Result) -> None:
    error = held.document["error"]
    assert (held.exit_code, error["code"]) == (7, "failed-in-cluster"), held.stderr
    assert re.search(
        r": stock: (\d) of \1 runs? failed, in block load_stock \(run \d+\); it goes no further$", error["message"]
    )
    assert EXPIRED not in held.stdout + held.stderr


def test_it_stays_and_goes_no_further(dev: Dev, held: Result) -> None:
    assert held.exit_code == 7
    assert record(dev.clone, "dev")["number"] == 2
    error = refused(dev.clone, "promote", "dev", "staging", "--yes")
    assert (error["code"], "orders" in error["message"]) == ("failed-in-source", False)


def test_exactly_this_pipeline_is_taken_back(dev: Dev, held: Result) -> None:
    assert held.exit_code == 7
    before = digests(dev.clone, "dev")
    dev.policy(on_failure="rollback")
    result = dev.watch()
    assert (result.exit_code, result.document["error"]["code"]) == (7, "failed-in-cluster"), result.stderr
    release = record(dev.clone, "dev")
    assert (release["number"], release["action"]) == (3, "rollback")
    assert re.match(r"watched: stock: \d of \d runs? failed, in block load_stock \(run \d+\)$", release["reason"])
    assert [hold["pipeline"] for hold in release["holds"]] == ["stock"]
    after = digests(dev.clone, "dev")
    assert after["orders"] == before["orders"]
    assert after["stock"] != before["stock"]
    assert LOADER not in released_text(dev.clone, "dev", f"{PROJECT}/data_loaders/load_stock.py")
