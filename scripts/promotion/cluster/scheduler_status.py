"""How the runs of an environment ended and whether its triggers are as declared: what the scheduler's pod says.

Its container `status` prints this as a line of JSON (`mage_pod/status.py` in the chart). To read a log, the right
to read is enough.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_FORMAT = 1


@dataclass(frozen=True)
class Ended:
    """A run that has ended: its number, `completed` or `failed`, and the block that failed first."""

    run: int
    status: str
    at: datetime
    block: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.status == "failed"


@dataclass(frozen=True)
class Counts:
    """How many runs ended in which way, and the one that began last of those."""

    completed: int = 0
    failed: int = 0
    last: Ended | None = None


@dataclass(frozen=True)
class Runs:
    """The runs of one pipeline that began with one release.

    `scheduled` are those that a trigger with an interval made. The API, a backfill or a click made the `other`
    ones. `first` is the one that began first of all that have ended.
    """

    scheduled: Counts = Counts()
    other: Counts = Counts()
    running: int = 0
    first: Ended | None = None

    @property
    def completed(self) -> int:
        """How many completed."""
        return self.scheduled.completed + self.other.completed

    @property
    def failed(self) -> int:
        """How many failed."""
        return self.scheduled.failed + self.other.failed

    @property
    def last(self) -> Ended | None:
        """The one that began last of all that have ended."""
        return max(filter(None, (self.scheduled.last, self.other.last)), key=lambda run: run.run, default=None)


@dataclass(frozen=True)
class SchedulerStatus:
    """What the scheduler's pod said at a moment.

    `problem` says why it could not look; then `triggers` and `runs` are empty. `triggers` has a sentence for each
    one that is not as its environment declares it. `runs` is by pipeline and number of the release; a run that
    began before runs kept that number is not in it.
    """

    at: datetime
    release: int | None
    problem: str | None = None
    triggers: Sequence[str] = ()
    runs: Mapping[str, Mapping[int, Runs]] = field(default_factory=dict)


def read_status(line: str) -> SchedulerStatus:
    """Read a line that `mage_pod.status` printed; raises `ValueError` if it is none, or of another format."""
    said = json.loads(line)
    if not isinstance(said, dict) or said.get("format") != _FORMAT:
        raise ValueError("the chart of another version wrote it")
    runs = {
        pipeline: {int(number): _runs(entry) for number, entry in by_release.items()}
        for pipeline, by_release in said["runs"].items()
    }
    at = datetime.fromisoformat(said["at"])
    return SchedulerStatus(at, said["release"], said["problem"], said["triggers"], runs)


def _runs(entry: Mapping[str, Any]) -> Runs:
    """Read one entry; what is zero or none is not in it."""
    scheduled, other = (_counts(entry.get(kind, {})) for kind in ("scheduled", "other"))
    return Runs(scheduled, other, entry.get("running", 0), _ended(entry.get("first")))


def _counts(entry: Mapping[str, Any]) -> Counts:
    return Counts(entry.get("completed", 0), entry.get("failed", 0), _ended(entry.get("last")))


def _ended(entry: Mapping[str, Any] | None) -> Ended | None:
    return Ended(**{**entry, "at": datetime.fromisoformat(entry["at"])}) if entry else None
