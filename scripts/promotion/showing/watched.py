"""How the pipelines of a release run in its cluster, while it is watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from promotion.cluster.failing import Failing
from promotion.cluster.scheduler_status import Ended, Runs, SchedulerStatus
from promotion.record.release import Release
from promotion.showing.result import Lines, Shown


@dataclass(frozen=True)
class Watched:
    """What was seen of `release` until `at`; `end` is when its watch is over."""

    release: Release
    status: SchedulerStatus
    end: datetime
    at: datetime
    failing: Sequence[Failing]

    @property
    def is_over(self) -> bool:
        """Whether the watch is over."""
        return self.at >= self.end

    @property
    def runs(self) -> dict[str, Runs | None]:
        """The runs of each pipeline that the release changed; None where there is none."""
        number = self.release.number
        return {
            name: self.status.runs.get(name, {}).get(number)
            for name, released in sorted(self.release.pipelines.items())
            if released.since == number
        }


def shown_watched(watched: Watched) -> Shown:
    """Return what was seen as the result of a command."""
    return Shown("watched", _document(watched), _lines(watched))


def shown_unwatched(release: Release, state: str, why: str) -> Shown:
    """Return that `release` does not run, as the result of a command; `state` is waiting or replaced."""
    line = f"Release {release.number} of {release.environment}: {why}"
    return Shown("watched", _state(release, state), [(line, "yellow")])


def told(watched: Watched) -> list[str]:
    """Return one line about the last run of each pipeline that changed, and about all others that fail."""
    lasts = [(name, runs.last) for name, runs in watched.runs.items() if runs and runs.last]
    return [*(_run(name, last) for name, last in lasts), *_unchanged(watched)]


def _run(pipeline: str, last: Ended) -> str:
    where = f" in block {last.block}" if last.block else ""
    return f"{pipeline}: run {last.run} {last.status}{where}"


def _unchanged(watched: Watched) -> list[str]:
    """The release did not change these pipelines, so perhaps it is not the reason: they are never taken back."""
    back = f"if the release is the reason: scripts/rollback.py {watched.release.environment} --reason TEXT"
    others = (each for each in watched.failing if not each.changed)
    return [f"{each.pipeline}, which did not change: {each}; {back}" for each in others]


def _state(release: Release, state: str) -> dict[str, Any]:
    return {"environment": release.environment, "number": release.number, "state": state}


def _document(watched: Watched) -> dict[str, Any]:
    return _state(watched.release, "over" if watched.is_over else "watched") | {
        "end": watched.end.isoformat(timespec="seconds"),
        "runs": {name: _counts(runs) for name, runs in watched.runs.items()},
        "failing": [asdict(each) for each in watched.failing],
    }


def _counts(runs: Runs | None) -> dict[str, int]:
    runs = runs or Runs()
    return {"completed": runs.completed, "failed": runs.failed, "running": runs.running}


def _lines(watched: Watched) -> Lines:
    release, failing = watched.release, {each.pipeline: each for each in watched.failing}
    until = "was watched" if watched.is_over else f"is watched until {watched.end:%Y-%m-%d %H:%M} UTC"
    lines = [(f"Release {release.number} of {release.environment} {until}", "bold")]
    for name, runs in watched.runs.items():
        if name in failing:
            lines.append((f"  {name}: {failing[name]}", "red"))
        elif runs is None or runs.last is None:
            lines.append((f"  {name}: no run has ended", "yellow"))
        else:
            lines.append((f"  {name}: {runs.completed} completed, {runs.failed} failed", "green"))
    earlier = (each for each in watched.failing if each.changed and each.since != release.number)
    lines += [(f"  {each.pipeline}, which release {each.since} changed: {each}", "red") for each in earlier]
    return [*lines, *((f"  {line}", "yellow") for line in _unchanged(watched))]
