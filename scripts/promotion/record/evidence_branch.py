"""The branch `evidence/<env>`: what people say of releases and saw of their runs, and what `smoke.py` proved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import yaml

from basics.errors import Conflict, PromotionError
from basics.wording import few
from basics.yaml_file import LOADER
from basics.yaml_text import line_each, section
from promotion.record.record_types import refuse_other_types
from promotion.record.release import FORMAT_VERSION, Backfill, Evidence
from promotion.repository.git import ObjectMissing, Repository
from promotion.repository.tree import Tree

FILE = "evidence.yaml"
_DATES = ("begin", "at")
_ATTEMPTS = 5  # lost races in a row, each against somebody who proved something else


@dataclass(frozen=True)
class Ratification:
    """Somebody stands for what the release of that number skipped in an emergency."""

    release: int
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Approval:
    """Somebody agrees to a plan; whether that is so, the commit says that brought it, not `by`."""

    plan: str  # its digest
    release: int  # the number that it would get
    by: str
    at: datetime


@dataclass(frozen=True)
class Closing:
    """Somebody says that a backfill was done, or that nobody will."""

    backfill: Backfill
    done: bool
    by: str
    at: datetime
    reason: str

    def to_document(self) -> dict[str, Any]:
        """Return it for YAML and JSON."""
        return vars(self) | {"backfill": self.backfill.to_document(), "at": self.at.isoformat(timespec="seconds")}

    @classmethod
    def from_document(cls, entry: dict[str, Any]) -> Closing:
        """Read what `to_document` returned."""
        backfill, at = Backfill.from_document(entry["backfill"]), datetime.fromisoformat(entry["at"])
        return cls(**entry | {"backfill": backfill, "at": at})


@dataclass(frozen=True)
class Observed:
    """How the scheduled runs of a pipeline with this digest ended, which the release `since` brought."""

    digest: str
    since: int
    begin: datetime  # from when on it is certain that runs are of this digest
    completed: int
    failed: int
    last: str | None  # completed | failed; None before one ended
    at: datetime
    by: str


@dataclass(frozen=True)
class Record:
    """What the branch says now: the newest evidence of each pipeline, and all that people said."""

    smoke: Mapping[str, Evidence] = field(default_factory=dict)
    ratified: tuple[Ratification, ...] = ()
    approvals: tuple[Approval, ...] = ()
    closed: tuple[Closing, ...] = ()
    runs: Mapping[str, Observed] = field(default_factory=dict)

    def to_yaml(self) -> str:
        """Write the record."""
        said = {
            "ratified": [_dated(entry) for entry in self.ratified],
            "approvals": [_dated(entry) for entry in self.approvals],
            "closed": [closing.to_document() for closing in self.closed],
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
            tuple(Ratification(**_with_dates(entry)) for entry in record.get("ratified", [])),  # since 1.1
            tuple(Approval(**_with_dates(entry)) for entry in record.get("approvals", [])),  # since 1.2
            tuple(map(Closing.from_document, record.get("closed", []))),  # since 1.2
            {name: Observed(**_with_dates(entry)) for name, entry in record.get("runs", {}).items()},  # since 1.2
        )


def _dated(entry: Ratification | Approval | Observed) -> dict[str, Any]:
    values = asdict(entry)
    return values | {key: values[key].isoformat(timespec="seconds") for key in _DATES if key in values}


def _with_dates(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {key: datetime.fromisoformat(entry[key]) for key in _DATES if key in entry}


def branch_of(environment: str) -> str:
    """Return the branch that holds the evidence for `environment`."""
    return f"evidence/{environment}"


def read_record(repository: Repository, environment: str) -> Record:
    """Return the record as the branch had it at the last fetch."""
    head = repository.head(branch_of(environment))
    return _read(repository, environment, head) if head else Record()


def ever_proven(repository: Repository, environment: str) -> Iterator[Evidence]:
    """Yield all evidence that was ever pushed, also for what is no longer the newest version."""
    head = repository.head(branch_of(environment))
    for commit in repository.history(head) if head else ():
        yield from _read(repository, environment, commit).smoke.values()


def approvals_brought(repository: Repository, environment: str, plan: str) -> Iterator[tuple[str, Approval]]:
    """Yield each approval of `plan` with the commit that brought it, newest first; those that are gone as well."""
    head = repository.head(branch_of(environment))
    for commit in repository.commits_about(plan, FILE, head) if head else ():
        before = [_read(repository, environment, parent) for parent in repository.header(commit).parents[:1]]
        for approval in _read(repository, environment, commit).approvals:
            if approval.plan == plan and not any(approval in record.approvals for record in before):
                yield commit, approval


def _read(repository: Repository, environment: str, commit: str) -> Record:
    """Return the record of `commit`; it is remembered."""
    read = partial(_parse, repository, environment, commit)
    return repository.memory.recall("evidence", commit, read)


def _parse(repository: Repository, environment: str, commit: str) -> Record:
    try:
        record = Record.from_yaml(repository.read(f"{commit}:{FILE}").decode())
        refuse_other_types(record)
        return record
    except (ObjectMissing, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise PromotionError(
            "evidence-unreadable",
            f"{FILE} of {branch_of(environment)} {commit[:8]} is no evidence ({type(error).__name__}: {error})",
            fix=f"somebody wrote to the branch by hand; without it, prove and ratify again: "
            f"git push {repository.remote} --delete {branch_of(environment)}",
        ) from error


def add_evidence(repository: Repository, environment: str, proven: Mapping[str, Evidence]) -> None:
    """Push `proven` as one commit more; raises `Conflict` when the branch keeps moving."""
    message = f"Prove {few(list(proven))} for {environment}\n"
    _append(repository, environment, lambda record: replace(record, smoke={**record.smoke, **proven}), message)


def add_ratification(repository: Repository, environment: str, entries: tuple[Ratification, ...]) -> None:
    """Push `entries` as one commit more; raises `Conflict` when the branch keeps moving."""
    releases = ", ".join(f"release {entry.release}" for entry in entries)
    message = f"Ratify {releases} of {environment}\n\n{entries[0].reason}\n"
    _append(
        repository, environment, lambda record: replace(record, ratified=(*record.ratified, *entries)), message
    )


def add_approval(repository: Repository, environment: str, approval: Approval, subjects: Sequence[str]) -> None:
    """Push `approval` of a change of `subjects` as one commit; raises `Conflict` when the branch keeps moving."""
    message = (
        f"Approve release {approval.release} of {environment}: {few(subjects)}\n\nApproved-Plan: {approval.plan}\n"
    )
    _append(
        repository,
        environment,
        lambda record: replace(record, approvals=(*record.approvals, approval)),
        message,
    )


def add_closings(repository: Repository, environment: str, entries: tuple[Closing, ...]) -> None:
    """Push `entries` as one commit more; raises `Conflict` when the branch keeps moving."""
    first = entries[0]
    names = few([entry.backfill.pipeline for entry in entries])
    message = f"{'Close' if first.done else 'Waive'} the backfill of {names} in {environment}\n\n{first.reason}\n"
    _append(repository, environment, lambda record: replace(record, closed=(*record.closed, *entries)), message)


def add_observations(repository: Repository, environment: str, runs: Mapping[str, Observed]) -> None:
    """Push `runs` in place of what was observed before; raises `Conflict` when the branch keeps moving."""
    message = f"Observe the runs of {environment}: {few(list(runs))}\n"
    _append(repository, environment, lambda record: replace(record, runs=runs), message)


def _append(repository: Repository, environment: str, change: Callable[[Record], Record], message: str) -> None:
    branch = branch_of(environment)
    for _ in range(_ATTEMPTS):
        head = repository.head(branch)
        text = change(read_record(repository, environment)).to_yaml()
        tree = Tree({FILE: repository.write_blob(text.encode())}, repository)
        try:
            repository.push(branch, repository.commit(tree, head, message, datetime.now(UTC)), head)
        except Conflict:
            continue  # the push has fetched what was faster
        return
    raise Conflict("lost-race", f"{branch} keeps moving", fix="run the command again")
