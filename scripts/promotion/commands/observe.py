"""`promote.py observe ENV`: how an environment's scheduled runs have ended, kept as evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from basics import progress
from basics.kubectl import Namespace
from basics.wording import short
from promotion.changes.sides import released_side
from promotion.cluster.scheduler import Scheduler, find_scheduler
from promotion.gates.soak import running_since
from promotion.record.evidence_branch import EvidenceBranch
from promotion.record.evidence_record import Observed
from promotion.record.release import Release
from promotion.repository.git import Repository
from promotion.showing.result import Result, Shown


def observe(repository: Repository, name: str, cluster: Namespace) -> Iterator[Result]:
    """Count the runs of each pipeline since the release that brought its digest."""
    branch = EvidenceBranch(repository, name)
    with progress.step(f"read {name}"):
        repository.fetch()
        side = released_side(repository, name)
    identity = repository.identity()
    arrived = {
        pipeline: release
        for pipeline, released in side.releases[0].pipelines.items()
        if (release := running_since(side.releases, pipeline, released.digest))
    }
    with progress.step(f"ask the scheduler in {cluster}"):
        observed = _observed(find_scheduler(name, cluster), arrived, branch.record().runs, identity)
    if observed:
        with progress.step(f"push what was observed to {branch.name}"):
            branch.add_observations(observed)
    yield Shown(
        "observed",
        {pipeline: asdict(runs) for pipeline, runs in observed.items()},
        [_told(pipeline, release, observed.get(pipeline)) for pipeline, release in sorted(arrived.items())],
    )


def _observed(
    scheduler: Scheduler, arrived: Mapping[str, Release], before: Mapping[str, Observed], identity: str
) -> dict[str, Observed]:
    """Return how the runs of each installed version ended; the cluster may be some releases behind."""
    there = {pipeline: release for pipeline, release in arrived.items() if release.number <= scheduler.release}
    begin = {
        pipeline: _begin(scheduler, release, release.pipelines[pipeline].digest, before.get(pipeline))
        for pipeline, release in there.items()
    }
    counts, now = scheduler.scheduled_runs(begin), datetime.now(UTC)
    return {
        pipeline: Observed(
            digest=release.pipelines[pipeline].digest,
            since=release.number,
            begin=begin[pipeline],
            **counts[pipeline],
            at=now,
            by=identity,
        )
        for pipeline, release in there.items()
    }


def _begin(scheduler: Scheduler, release: Release, digest: str, before: Observed | None) -> datetime:
    """Return the time from which runs count: until the release is installed, runs are of the version before it.

    When a scheduler starts again, for a later release or on another node, earlier runs still count.
    """
    if before and (before.digest, before.since) == (digest, release.number):
        return before.begin
    return max(release.at, scheduler.started) + timedelta(seconds=1)  # both times are cut to whole seconds


def _told(pipeline: str, release: Release, runs: Observed | None) -> tuple[str, str]:
    what = f"{pipeline} {short(release.pipelines[pipeline].digest)}"
    if runs is None:
        return f"{what}  came with release {release.number}, which is not installed yet", "yellow"
    told = f"{what}  since release {release.number}: {runs.completed} completed, {runs.failed} failed"
    return told, "red" if runs.last == "failed" else ""
