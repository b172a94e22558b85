"""`evidence.yaml`: what people say of releases and saw of their runs, and what `smoke.py` proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import yaml

from basics.yaml_file import LOADER
from basics.yaml_text import line_each, section
from promotion.record.release import FORMAT_VERSION, Backfill, Evidence


@dataclass(frozen=True)
class Ratification:
    """A promoter accepts what that release skipped in an emergency."""

    release: int
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Approval:
    """An agreement to one plan; the author of the commit that added it is the proof, not `by`."""

    plan: str  # its digest
    release: int  # the number that it would get
    by: str
    at: datetime


@dataclass(frozen=True)
class Closing:
    """A statement that a backfill was done, or will not be done."""

    backfill: Backfill
    done: bool
    by: str
    at: datetime
    reason: str

    def to_document(self) -> dict[str, Any]:
        """Return the closing for YAML and JSON."""
        return vars(self) | {"backfill": self.backfill.to_document(), "at": self.at.isoformat(timespec="seconds")}

    @classmethod
    def from_document(cls, entry: dict[str, Any]) -> Closing:
        """Read what `to_document` returned."""
        backfill, at = Backfill.from_document(entry["backfill"]), datetime.fromisoformat(entry["at"])
        return cls(**entry | {"backfill": backfill, "at": at})


@dataclass(frozen=True)
class Observed:
    """How the scheduled runs of one version of a pipeline ended; the release `since` brought it."""

    digest: str
    since: int
    completed: int
    failed: int
    last: str | None  # completed | failed; None if no run has ended
    at: datetime
    by: str


@dataclass(frozen=True)
class Failed:
    """A version that fails in the cluster: it stays where it runs, and goes no further."""

    pipeline: str
    digest: str
    release: int  # the release that brought it
    reason: str
    by: str  # who watched it
    at: datetime


@dataclass(frozen=True)
class Record:
    """The current content of the branch: the newest evidence of each pipeline, and all that people stated."""

    smoke: Mapping[str, Evidence] = field(default_factory=dict)
    ratified: tuple[Ratification, ...] = ()
    approvals: tuple[Approval, ...] = ()
    closed: tuple[Closing, ...] = ()
    runs: Mapping[str, Observed] = field(default_factory=dict)
    failed: tuple[Failed, ...] = ()

    def to_yaml(self) -> str:
        """Write the record."""
        said = {
            "ratified": [_dated(entry) for entry in self.ratified],
            "approvals": [_dated(entry) for entry in self.approvals],
            "closed": [closing.to_document() for closing in self.closed],
            "failed": [_dated(entry) for entry in self.failed],
        }
        return "".join(
            (
                "# Written by scripts/smoke.py and scripts/promote.py, never by hand.\n",
                section({"format_version": FORMAT_VERSION}),
                line_each("smoke", {name: vars(evidence) for name, evidence in self.smoke.items()}),
                section(said),
                line_each("runs", {name: _dated(runs) for name, runs in self.runs.items()}),
            )
        )

    @classmethod
    def from_yaml(cls, text: str) -> Record:
        """Read what `to_yaml` wrote."""
        record = yaml.load(text, Loader=LOADER)  # noqa: S506 (a safe one)
        return cls(
            {name: Evidence(**entry) for name, entry in record["smoke"].items()},
            tuple(Ratification(**_with_date(entry)) for entry in record.get("ratified", [])),  # since 1.1
            tuple(Approval(**_with_date(entry)) for entry in record.get("approvals", [])),  # since 1.2
            tuple(map(Closing.from_document, record.get("closed", []))),  # since 1.2
            {name: _observed(entry) for name, entry in record.get("runs", {}).items()},  # since 1.2
            tuple(Failed(**_with_date(entry)) for entry in record.get("failed", [])),  # since 1.6
        )


def _dated(entry: Ratification | Approval | Observed | Failed) -> dict[str, Any]:
    return asdict(entry) | {"at": entry.at.isoformat(timespec="seconds")}


def _with_date(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"at": datetime.fromisoformat(entry["at"])}


def _observed(entry: dict[str, Any]) -> Observed:
    """Read an entry. Older ones were counted from a time `begin` on: runs had no number of a release yet."""
    return Observed(**_with_date({key: value for key, value in entry.items() if key != "begin"}))
