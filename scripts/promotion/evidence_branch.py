"""The branch `evidence/<env>`: what `smoke.py` proved without a release, and which emergencies were ratified."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

import yaml

from promotion.errors import Conflict, PromotionError
from promotion.git import ObjectMissing, Repository
from promotion.release import FORMAT_VERSION, Evidence
from promotion.tree import Tree
from promotion.wording import few

FILE = "evidence.yaml"
_ATTEMPTS = 5  # lost races in a row, each against somebody who proved something else


@dataclass(frozen=True)
class Ratification:
    """Somebody stands for what the release of that number skipped in an emergency."""

    release: int
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Record:
    """What the branch says now: the newest evidence of each pipeline, and every ratification."""

    smoke: Mapping[str, Evidence] = field(default_factory=dict)
    ratified: tuple[Ratification, ...] = ()

    def to_yaml(self) -> str:
        """Write the record."""
        ratified = [asdict(entry) | {"at": entry.at.isoformat(timespec="seconds")} for entry in self.ratified]
        record = {
            "format_version": FORMAT_VERSION,
            "smoke": {name: asdict(evidence) for name, evidence in sorted(self.smoke.items())},
            "ratified": ratified,
        }
        header = "# Written by scripts/smoke.py and scripts/promote.py, never by hand.\n"
        return header + yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=110)

    @classmethod
    def from_yaml(cls, text: str) -> Record:
        """Read what `to_yaml` wrote."""
        record = yaml.safe_load(text)
        entries = record.get("ratified", [])  # since 1.1
        return cls(
            {name: Evidence(**entry) for name, entry in record["smoke"].items()},
            tuple(Ratification(**entry | {"at": datetime.fromisoformat(entry["at"])}) for entry in entries),
        )


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


def _read(repository: Repository, environment: str, commit: str) -> Record:
    try:
        return Record.from_yaml(repository.read(f"{commit}:{FILE}").decode())
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


def _append(repository: Repository, environment: str, change: Callable[[Record], Record], message: str) -> None:
    branch = branch_of(environment)
    for _ in range(_ATTEMPTS):
        head = repository.head(branch)
        text = change(read_record(repository, environment)).to_yaml()
        tree = Tree({FILE: repository.write_blob(text.encode())}, repository)
        try:
            repository.push(branch, repository.commit(tree, head, message), head)
        except Conflict:
            continue  # the push has fetched what was faster
        return
    raise Conflict("lost-race", f"{branch} keeps moving", fix="run the command again")
