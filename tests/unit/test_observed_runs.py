"""Scheduled runs: what goes on has completed enough of them where it comes from, as somebody observed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from basics.errors import Malformed
from helpers import (
    PROJECT,
    Result,
    call_script,
    git,
    promote,
    push,
    record,
    refusal_codes,
    refused,
    remote_of,
    replace_newest,
    write,
    write_policy,
    write_program,
)
from promotion.configuration.policy import read_policy
from promotion.record.evidence_record import Record
from unit.situations import situation

LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"
LABELS = {"app.kubernetes.io/instance": "mage-dev"}
LAST = {"run": 4, "status": "completed", "at": "2013-01-01T00:00:00+00:00"}
FAILED = LAST | {"run": 5, "status": "failed"}
FINE = {"completed": 3, "failed": 1, "last": LAST}
STARTED = "2013-01-01T00:00:00Z"


def stateful_set(environment: str = "dev", **annotations: str) -> dict[str, Any]:
    containers = [{"name": "mage", "env": [{"name": "ENV", "value": environment}]}]
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "mage-scheduler", "annotations": annotations, "labels": LABELS},
        "spec": {"template": {"spec": {"containers": containers}}},
        "status": {"updateRevision": "two"},
    }


def pod(revision: str = "two", *, placed: bool = True) -> dict[str, Any]:
    metadata = {"name": "mage-scheduler-0", "labels": {"controller-revision-hash": revision}}
    return {"kind": "Pod", "metadata": metadata, "status": {"startTime": STARTED} if placed else {}}


class Dev:
    """The clone, and what kubectl is told by dev's cluster: a stand-in, as no cluster is here."""

    def __init__(self, clone: Path) -> None:
        self.clone, self.folder = clone, clone.parent / "cluster"
        self.programs = clone.parent / "programs"
        self.folder.mkdir()
        answers = f'*" get "*) cat "{self.folder}/sets";; *" logs "*) cat "{self.folder}/log";;'
        script = f'echo "$*" >> "{self.folder}/commands"\ncase " $* " in {answers} esac'
        write_program(self.programs / "kubectl", script)
        self.installed()

    def holds(self, *objects: Mapping[str, Any]) -> None:
        (self.folder / "sets").write_text(json.dumps({"items": objects}))

    def installed(self, release: int = 2) -> None:
        """Let the cluster hold a release of dev."""
        self.holds(stateful_set(**{"mage/release": str(release)}), pod())

    def says(self, runs: Mapping[str, Mapping[int, Any]], problem: str | None = None) -> None:
        """Let the scheduler's pod say how runs ended, by the release that they began with."""
        said = {"format": 1, "at": STARTED, "release": 2, "problem": problem, "triggers": [], "runs": runs}
        (self.folder / "log").write_text(json.dumps(said) + "\n")

    def observe(self, *more: str, **scheduled: Mapping[str, Any]) -> Result:
        """Observe scheduled runs that began with release 2, and of all other pipelines fine ones."""
        of_all = dict.fromkeys(("orders", "returns", "stock"), FINE) | scheduled
        self.says({name: {2: {"scheduled": counts}} for name, counts in of_all.items()})
        return self.ask(*more)

    def ask(self, *more: str) -> Result:
        """Observe what the pod says."""
        return call_script(self.clone, "promote", "observe", "dev", "--json", *more, PATH=self.path)

    @property
    def path(self) -> str:
        return f"{self.programs}:{os.environ['PATH']}"

    def refusals(self) -> list[str]:
        return refusal_codes(self.clone, "dev", "staging")


@situation("promoted_to_staging")
def newer_stock(clone: Path) -> None:
    """Staging wants three runs in dev, where a newer `stock` arrived with release 2, an hour later."""
    before = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    replace_newest(clone, lambda release: replace(release, at=before), before)
    write(clone, {LOAD_STOCK: "x = 1\n"})
    write_policy(clone, "staging", runs=3)
    push(clone)
    promote(clone, "main", "dev")


@pytest.fixture
def dev(newer_stock: Path) -> Dev:
    """The cluster of dev."""
    return Dev(newer_stock)


def test_what_was_not_observed_waits(dev: Dev) -> None:
    error = refused(dev.clone, "promote", "dev", "staging", "--yes")
    assert (error["code"], error["exit_code"]) == ("too-few-runs", 4)
    assert error["message"].startswith("not yet 3 scheduled runs completed in dev: stock ")
    assert "(not observed)" in error["message"]
    assert "orders" not in error["message"], "it does not change"
    assert "scripts/promote.py observe dev" in error["fix"]


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ({"completed": 3, "failed": 2, "last": LAST}, None),
        ({"completed": 2, "last": LAST}, "(2)"),
        ({"completed": 9, "failed": 1, "last": FAILED}, "(9, and the last one failed)"),
        ({}, "(0)"),
    ],
)
def test_enough_runs_and_none_failed_since(dev: Dev, runs: Mapping[str, Any], told: str | None) -> None:
    dev.observe(stock=runs)
    result = call_script(dev.clone, "promote", "dev", "staging", "--yes")
    assert result.exit_code == (4 if told else 0)
    assert (told or "Released staging 2") in result.stdout


def test_only_what_would_change_has_to_run(dev: Dev) -> None:
    dev.observe(orders={"failed": 7, "last": FAILED})
    assert dev.refusals() == []


def test_an_observation_says_of_what_by_whom_and_since_when(dev: Dev) -> None:
    digest = record(dev.clone, "dev")["pipelines"]["stock"]["digest"]
    observed = dev.observe().document["observed"]["stock"]
    assert (observed["digest"], observed["since"], observed["by"]) == (digest, 2, "Ada Example <ada@example.com>")
    log = git(remote_of(dev.clone), "log", "--format=%an: %s", "evidence/dev")
    assert log == "Ada Example: Observe the runs of dev: orders, returns, stock"


def test_runs_count_from_the_release_on_that_brought_the_version(dev: Dev) -> None:
    before, since = {"scheduled": {"failed": 7, "last": FAILED | {"run": 1}}}, {"scheduled": FINE}
    by_hand = {"other": {"failed": 9, "last": FAILED | {"run": 9}}}
    runs = {1: before, 2: since | by_hand, 3: {"scheduled": {"failed": 1, "last": FAILED}}}
    dev.says({"stock": runs, "orders": runs})
    observed = dev.ask().document["observed"]
    counts = {name: [observed[name][key] for key in ("completed", "failed", "last")] for name in observed}
    assert counts["stock"] == [3, 2, "failed"], "release 2 brought it"
    assert counts["orders"] == [3, 9, "failed"], "release 1 brought it"
    assert counts["returns"] == [0, 0, None]


def test_a_pod_that_cannot_tell_its_runs_is_an_error(dev: Dev) -> None:
    dev.says({}, "the database: it is starting up")
    error = dev.ask().document["error"]
    assert (error["code"], error["exit_code"]) == ("cannot-observe", 1)
    assert "cannot tell its runs: the database: it is starting up" in error["message"]


def test_what_was_observed_by_time_is_still_read() -> None:
    entry = {"digest": "d", "since": 2, "begin": STARTED, "completed": 3, "failed": 0, "last": None, "by": "Ada"}
    text = yaml.safe_dump({"format_version": "1.5", "smoke": {}, "runs": {"stock": entry | {"at": STARTED}}})
    observed = Record.from_yaml(text).runs["stock"]
    assert (observed.since, observed.completed) == (2, 3)


def test_runs_of_a_newer_version_count_alone(dev: Dev) -> None:
    dev.observe()
    write(dev.clone, {LOAD_STOCK: "x = 2\n"})
    push(dev.clone)
    promote(dev.clone, "main", "dev")
    assert dev.refusals() == ["too-few-runs"]


def test_a_version_that_comes_back_begins_again(dev: Dev) -> None:
    dev.observe()
    for text in ("x = 2\n", "x = 1\n"):
        write(dev.clone, {LOAD_STOCK: text})
        push(dev.clone)
        promote(dev.clone, "main", "dev")
    assert dev.refusals() == ["too-few-runs"]


def test_what_is_not_installed_yet_is_not_observed(dev: Dev) -> None:
    dev.installed(release=1)
    assert set(dev.observe().document["observed"]) == {"orders", "returns"}
    shown = call_script(dev.clone, "promote", "observe", "dev", PATH=dev.path).stdout
    assert "came with release 2, which is not installed yet" in shown


def test_a_version_that_the_source_does_not_run_never_has_runs(dev: Dev) -> None:
    dev.observe()
    write(dev.clone, {f"{PROJECT}/utils/money.py": "def rounded(amount):\n    return 0\n"})
    write(dev.clone, {f"{PROJECT}/data_loaders/load_returns.py": "newer = 1\n"})
    push(dev.clone)
    promote(dev.clone, "main", "dev")
    arguments = ("dev", "staging", "-p", "orders", "--verify-dependants", "--plan", "--json")
    (refusal,) = call_script(dev.clone, "promote", *arguments).document["plan"]["refusals"]
    assert refusal["code"] == "too-few-runs"
    assert "(the source does not run it)" in refusal["message"]


def test_the_cluster_and_the_namespace_can_be_named(dev: Dev) -> None:
    dev.observe()
    dev.observe("--context", "kind-data", "--namespace", "mage")
    commands = (dev.folder / "commands").read_text().splitlines()
    assert commands[0].startswith("--namespace=dev get ")
    assert commands[-1].startswith("--namespace=mage --context=kind-data logs ")


def test_the_cluster_that_the_policy_names_is_asked(dev: Dev) -> None:
    write_policy(dev.clone, "dev", cluster={"context": "kind-data"})
    push(dev.clone)
    dev.observe()
    commands = (dev.folder / "commands").read_text().splitlines()
    assert commands[0].startswith("--namespace=dev --context=kind-data get ")


@pytest.mark.parametrize(
    ("objects", "told"),
    [
        ([], "has 0 StatefulSets"),
        ([stateful_set(), stateful_set()], "has 2 StatefulSets"),
        ([stateful_set(), pod()], "without a release.yaml"),
        ([stateful_set("prod"), pod()], "is a scheduler of prod, not of dev"),
        ([stateful_set(**{"mage/release": "2"})], "has 0 Pods"),
        ([stateful_set(**{"mage/release": "2"}), pod(revision="one")], "is being replaced"),
        ([stateful_set(**{"mage/release": "2"}), pod(placed=False)], "is being replaced, or made"),
    ],
)
def test_a_scheduler_that_is_not_the_environments_is_not_asked(
    dev: Dev, objects: list[dict[str, Any]], told: str
) -> None:
    dev.holds(*objects)
    error = refused(dev.clone, "promote", "observe", "dev", PATH=dev.path)
    assert (error["code"], told in error["message"]) == ("cannot-observe", True)


def test_what_kubectl_complains_of_is_told(dev: Dev) -> None:
    write_program(dev.programs / "kubectl", "printf 'E1127 a log\\nno such context\\n' >&2; exit 1")
    error = refused(dev.clone, "promote", "observe", "dev", PATH=dev.path)
    assert error["code"] == "cannot-observe"
    assert error["message"] == "namespace dev of the current context:\nno such context"
    assert "--context NAME" in error["fix"]


def test_an_emergency_does_without(dev: Dev) -> None:
    promote(dev.clone, "dev", "staging", "--emergency", "runs", "--reason", "INC-7")
    assert record(dev.clone, "staging")["emergency"]["skipped"] == ["runs"]


def test_a_rollback_waits_for_nothing(dev: Dev) -> None:
    promote(dev.clone, "dev", "staging", "--emergency", "runs", "--reason", "INC-7")
    assert call_script(dev.clone, "rollback", "staging", "--yes", "--reason", "x").exit_code == 0


def test_nothing_runs_on_main() -> None:
    with pytest.raises(Malformed, match="runs: nothing runs on main"):
        read_policy("policy.yaml", {"source": "main", "gates": [], "runs": 1})


@pytest.mark.parametrize("number", ["three", True, -1, None, 1.5])
def test_a_number_of_runs_that_is_none(number: Any) -> None:
    with pytest.raises(Malformed, match=r"runs: .* is not a number"):
        read_policy("policy.yaml", {"source": "dev", "gates": [], "runs": number})
