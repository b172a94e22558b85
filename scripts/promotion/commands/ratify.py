"""`promote.py ratify ENV`: somebody takes responsibility for what releases skipped in an emergency.

A ratification goes to `evidence/<env>` and makes no release: a release would restart the environment's pods
although nothing in it changed. If that branch is lost, emergencies are open again, which is the safe side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from basics import progress
from basics.errors import UsageError
from promotion.changes.sides import main_side
from promotion.configuration.environment import load_environment
from promotion.configuration.people import answering
from promotion.gates.emergency import open_emergencies
from promotion.record.evidence_branch import EvidenceBranch
from promotion.record.evidence_record import Ratification
from promotion.record.release import releases
from promotion.repository.git import Repository
from promotion.showing.result import Result, Shown


def ratify(repository: Repository, name: str, reason: str) -> Iterator[Result]:
    """Ratify every open emergency of the environment `name`."""
    if not reason:
        raise UsageError("no-reason", "a ratification needs a reason", fix="add --reason TEXT")
    branch = EvidenceBranch(repository, name)
    with progress.step(f"read {name}"):
        repository.fetch()
        policy = load_environment(main_side(repository).tree, name).policy
        ratified = {entry.release for entry in branch.record().ratified}
        history = list(releases(repository, name).entries())
    identity = answering(repository, name, policy)
    still_open = open_emergencies(history, ratified, branch.ever_proven)
    now = datetime.now(UTC)
    entries = tuple(Ratification(entry.number, identity, now, reason) for entry in still_open)
    if entries:
        with progress.step(f"push the ratification to {branch.name}"):
            branch.add_ratification(entries)
    told = [(f"Ratified {name} {entry.release}", "green") for entry in entries]
    yield Shown("ratified", [asdict(entry) for entry in entries], told or [("Nothing to ratify.", "green")])
