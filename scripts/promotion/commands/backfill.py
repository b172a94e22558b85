"""`promote.py backfill ENV`: which data of an environment must be written again, and which no longer.

The answer goes to `evidence/<env>` and makes no release, for the same reasons as a ratification.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from basics import progress
from basics.errors import UsageError
from basics.wording import near
from promotion.changes.backfills import still_open
from promotion.changes.sides import main_side, released_side
from promotion.configuration.environment import load_environment
from promotion.configuration.people import answering
from promotion.record.evidence_branch import EvidenceBranch
from promotion.record.evidence_record import Closing
from promotion.record.release import Backfill
from promotion.repository.git import Repository
from promotion.showing.result import Result, Shown


def show_backfills(repository: Repository, name: str) -> Iterator[Result]:
    """Show the open backfills of the environment `name`."""
    found = _open(repository, name)
    lines = [(str(backfill), "yellow") for backfill in found]
    document = [backfill.to_document() for backfill in found]
    yield Shown("backfills", document, lines or [("Nothing to backfill.", "green")])


def close_backfills(
    repository: Repository,
    name: str,
    pipelines: Sequence[str],
    done: bool,
    reason: str,
) -> Iterator[Result]:
    """Close the open backfills of `pipelines`: they are `done`, or waived."""
    with progress.step(f"read {name}"):
        found = {backfill.pipeline: backfill for backfill in _open(repository, name)}
        policy = load_environment(main_side(repository).tree, name).policy
    if unknown := [pipeline for pipeline in pipelines if pipeline not in found]:
        fix = f"{near(unknown[0], found)}; see scripts/promote.py backfill {name}"
        raise UsageError("no-backfill", f"{name} has nothing to backfill of {unknown[0]}", fix=fix)
    identity, now = answering(repository, name, policy), datetime.now(UTC)
    entries = tuple(Closing(found[pipeline], done, identity, now, reason) for pipeline in dict.fromkeys(pipelines))
    branch = EvidenceBranch(repository, name)
    with progress.step(f"push it to {branch.name}"):
        branch.add_closings(entries)
    told = "Done" if done else "Waived"
    lines = [(f"{told} {entry.backfill}", "green") for entry in entries]
    yield Shown("closed", [entry.to_document() for entry in entries], lines)


def _open(repository: Repository, name: str) -> tuple[Backfill, ...]:
    """Fetch and return the open backfills."""
    repository.fetch()
    current = released_side(repository, name).releases[0]
    return still_open(current.backfills, EvidenceBranch(repository, name).record().closed)
