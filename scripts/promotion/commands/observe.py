"""`promote.py observe ENV`: how an environment's scheduled runs have ended, kept as evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from basics import progress
from basics.wording import short
from promotion.changes.sides import main_side, released_side
from promotion.cluster.scheduler import Scheduler, find_scheduler
from promotion.cluster.scheduler_status import Runs
from promotion.cluster.target import place_of
from promotion.configuration.environment import load_environment
from promotion.gates.soak import running_since
from promotion.layout import ENVIRONMENTS
from promotion.record.evidence_branch import EvidenceBranch
from promotion.record.evidence_record import Observed
from promotion.record.release import Release
from promotion.repository.git import Repository
from promotion.showing.result import Result, Shown


def observe(repository: Repository, name: str, context: str | None, namespace: str | None) -> Iterator[Result]:
    """Count the runs of each pipeline since the release that brought its digest.

    Without `context` and `namespace` they are those of the policy, or else the current context and the
    environment's name.
    """
    branch = EvidenceBranch(repository, name)
    with progress.step(f"read {name}"):
        repository.fetch()
        side = released_side(repository, name)
        environment = load_environment(main_side(repository, ENVIRONMENTS).tree, name)
    cluster = place_of(environment, context, namespace)
    identity = repository.identity()
    arrived = {
        pipeline: release
        for pipeline, released in side.releases[0].pipelines.items()
        if (release := running_since(side.releases, pipeline, released.digest))
    }
    with progress.step(f"ask the scheduler in {cluster}"):
        observed = _observed(find_scheduler(name, cluster), arrived, identity)
    if observed:
        with progress.step(f"push what was observed to {branch.name}"):
            branch.add_observations(observed)
    yield Shown(
        "observed",
        {pipeline: asdict(runs) for pipeline, runs in observed.items()},
        [_told(pipeline, release, observed.get(pipeline)) for pipeline, release in sorted(arrived.items())],
    )


def _observed(scheduler: Scheduler, arrived: Mapping[str, Release], identity: str) -> dict[str, Observed]:
    """Return how the runs of each installed version ended; the cluster may be some releases behind."""
    status = scheduler.status()
    return {
        pipeline: Observed(
            digest=release.pipelines[pipeline].digest,
            since=release.number,
            **_scheduled(status.runs.get(pipeline, {}), release.number),
            at=status.at,
            by=identity,
        )
        for pipeline, release in arrived.items()
        if release.number <= scheduler.release
    }


def _scheduled(runs: Mapping[int, Runs], since: int) -> dict[str, Any]:
    """Sum up the scheduled runs that began with the release `since` or a later one."""
    counts = [each.scheduled for number, each in runs.items() if number >= since]
    last = max((each.last for each in counts if each.last), key=lambda run: run.run, default=None)
    return {
        "completed": sum(each.completed for each in counts),
        "failed": sum(each.failed for each in counts),
        "last": last.status if last else None,
    }


def _told(pipeline: str, release: Release, runs: Observed | None) -> tuple[str, str]:
    what = f"{pipeline} {short(release.pipelines[pipeline].digest)}"
    if runs is None:
        return f"{what}  came with release {release.number}, which is not installed yet", "yellow"
    told = f"{what}  since release {release.number}: {runs.completed} completed, {runs.failed} failed"
    return told, "red" if runs.last == "failed" else ""
