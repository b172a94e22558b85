"""Which plan is still the same one after somebody else's release: smoke evidence must be for what is released."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from helpers import PROJECT, promote, push, tree_of, write
from promotion.changes.differences import platform_digest
from promotion.changes.draft import make_draft
from promotion.changes.request import Request
from promotion.changes.sides import Side, main_side
from promotion.configuration.environment import Environment, load_environment
from promotion.configuration.policy import Policy
from promotion.options import Options
from promotion.pipelines.project import Project
from promotion.planning.plan import Plan, make_plan
from promotion.record.evidence import evidence_keys
from promotion.record.release import Endpoint, Evidence, releases
from promotion.repository.git import Repository


def proven_side(repository: Repository, environment: Environment, number: int) -> Side:
    """Return dev as it was at the release `number`, with evidence for all that it ran then."""
    known = [release for release in releases(repository, "dev") if release.number <= number]
    tree = repository.tree(known[0].commit)
    project = Project(tree)
    keys = evidence_keys(project, platform_digest(project), environment)
    smoke = {name: Evidence(key, "local", number, 2, 1.0) for name, key in keys.items()}
    current = replace(known[0], smoke=smoke, commit=known[0].commit)
    return Side(Endpoint("dev", number, current.commit), tree, [current, *known[1:]])


def plans_before_and_after_a_release_of_stock(clone: Path) -> list[Plan]:
    write(clone, {f"{PROJECT}/data_loaders/load_orders.py": "newer = 1\n"})
    write(clone, {f"{PROJECT}/data_loaders/load_stock.py": "newer = 1\n"})
    push(clone)
    promote(clone, "main", "dev", "-p", "stock")
    with Repository.find(clone) as repository:
        repository.fetch()
        main = main_side(repository)
        environment = replace(load_environment(main.tree, "dev"), policy=Policy("main", ("smoke",)))
        return [
            make_plan(
                make_draft(
                    Request(
                        action="promotion",
                        source=main,
                        target=proven_side(repository, environment, number),
                        configuration=main,
                        environment=environment,
                        options=Options(("orders",)),
                        holds=(),
                        now=datetime.now(UTC),
                        remote=repository.remote,
                    )
                )
            )
            for number in (1, 2)
        ]


def test_only_what_changed_has_to_be_proven(promoted_to_dev: Path) -> None:
    before, after = plans_before_and_after_a_release_of_stock(promoted_to_dev)
    assert (before.verdict.due, after.verdict.due) == (("orders",), ("orders",))
    assert set(before.draft.evidence) == {"returns", "stock"}


@pytest.mark.parametrize(("needs", "same"), [("[]", True), ("[stock]", False)])
def test_a_proof_holds_until_a_pipeline_that_it_rests_on_changes(
    promoted_to_dev: Path, needs: str, same: bool
) -> None:
    write(promoted_to_dev, {f"{PROJECT}/pipelines/orders/promotion.yaml": f"needs: {needs}\n"})
    before, after = plans_before_and_after_a_release_of_stock(promoted_to_dev)
    assert before.same_changes(after) is same


def test_another_database_of_the_chart_asks_for_new_proof(sources: Path) -> None:
    project, dev = Project(tree_of(sources)), load_environment(tree_of(sources), "dev")
    before, after = (evidence_keys(project, "", replace(dev, databases=names)) for names in ((), ("lake",)))
    assert not set(before.values()) & set(after.values())
