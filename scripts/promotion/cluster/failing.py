"""Which pipelines fail since a release, and did not before, as the scheduler's status says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from basics.wording import counted
from promotion.cluster.scheduler_status import Ended, Runs, SchedulerStatus
from promotion.record.release import Release


@dataclass(frozen=True)
class Failing:
    """A pipeline whose last run failed, and that fails more often since a release than before it."""

    pipeline: str
    digest: str
    since: int  # the release
    changed: bool  # whether that release brought this version
    ended: int  # runs since then
    failed: int
    last: Ended

    def __str__(self) -> str:
        block = f", in block {self.last.block}" if self.last.block else ""
        return f"{self.failed} of {counted(self.ended, 'run')} failed{block} (run {self.last.run})"


def failing(release: Release, status: SchedulerStatus, started: datetime, time: timedelta) -> Iterator[Failing]:
    """Yield the pipelines of `release` that fail; its scheduler has `started` then, and `time` is that of a watch.

    Each is judged since the release that brought its version, and, if that says nothing, since this one: a version
    is watched for its own time, also where releases follow each other sooner.
    """
    begun = {release.number: installed_at(release, status, started)} | _earlier(release, status)
    for name, released in sorted(release.pipelines.items()):
        numbers = {number: of for number, of in status.runs.get(name, {}).items() if number <= release.number}
        for since in dict.fromkeys((released.since, release.number)):
            found = _fails(numbers, since, begun[since] + time) if since in begun else None
            if found:
                ended, failed, last = found
                yield Failing(name, released.digest, since, since == released.since, ended, failed, last)
                break


def _fails(numbers: Mapping[int, Runs], since: int, end: datetime) -> tuple[int, int, Ended] | None:
    """Return how many runs ended and failed, and the last one; after `end`, a failure is no sign any more."""
    runs = [of for number, of in numbers.items() if number >= since]
    last = max((of.last for of in runs if of.last), key=lambda run: run.run, default=None)
    if last is None or not last.failed or last.at > end:
        return None
    ended, failed = _ended(runs)
    ended_before, failed_before = _ended(of for number, of in numbers.items() if number < since)
    return (ended, failed, last) if failed * max(ended_before, 1) > failed_before * ended else None


def _ended(runs: Iterable[Runs]) -> tuple[int, int]:
    """Return how many ended, and how many of those failed."""
    counts = [(of.completed, of.failed) for of in runs]
    failed = sum(failed for _, failed in counts)
    return sum(completed for completed, _ in counts) + failed, failed


def installed_at(release: Release, status: SchedulerStatus, started: datetime) -> datetime:
    """Return since when `release` is known to be installed: its scheduler has `started` then, or a run ended.

    A scheduler may start again long after the installation.
    """
    return min([started, *_firsts(status, release.number, release.number)])


def _earlier(release: Release, status: SchedulerStatus) -> dict[int, datetime]:
    """Return since when releases before `release` are known to be installed; without a run, that is not known."""
    numbers = {released.since for released in release.pipelines.values()} - {release.number}
    firsts = {number: _firsts(status, number, release.number - 1) for number in numbers}
    return {number: min(of) for number, of in firsts.items() if of}


def _firsts(status: SchedulerStatus, lowest: int, highest: int) -> list[datetime]:
    """Return when the first run of each pipeline with each of these releases ended."""
    return [
        of.first.at
        for numbers in status.runs.values()
        for number, of in numbers.items()
        if lowest <= number <= highest and of.first
    ]
