"""The branch `evidence/<env>`: one commit for each statement or proof about an environment's releases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import yaml

from basics.errors import Conflict, PromotionError
from basics.wording import few
from promotion.record.evidence_record import Approval, Closing, Failed, Observed, Ratification, Record
from promotion.record.record_types import refuse_other_types
from promotion.record.release import Evidence
from promotion.repository.git import Repository
from promotion.repository.objects import ObjectMissing
from promotion.repository.tree import Tree

FILE = "evidence.yaml"
_ATTEMPTS = 5  # tries, each lost to another person's push


@dataclass(frozen=True)
class EvidenceBranch:
    """The branch of one environment. Each addition becomes one commit, pushed before the method returns.

    An addition raises `Conflict` when the branch keeps moving.
    """

    repository: Repository
    environment: str

    @property
    def name(self) -> str:
        """The name of the branch."""
        return f"evidence/{self.environment}"

    @property
    def _head(self) -> str | None:
        return self.repository.head(self.name)

    def record(self) -> Record:
        """Return the record as the branch had it at the last fetch."""
        return self._read(self._head) if self._head else Record()

    def ever_proven(self) -> Iterator[Evidence]:
        """Yield all evidence that was ever pushed, also for older versions."""
        for commit in self.repository.history(self._head) if self._head else ():
            yield from self._read(commit).smoke.values()

    def approvals_brought(self, plan: str) -> Iterator[tuple[str, Approval]]:
        """Yield each approval of `plan` with the commit that added it, newest first; also removed ones."""
        for commit in self.repository.commits_about(plan, FILE, self._head) if self._head else ():
            before = [self._read(parent) for parent in self.repository.header(commit).parents[:1]]
            for approval in self._read(commit).approvals:
                if approval.plan == plan and not any(approval in record.approvals for record in before):
                    yield commit, approval

    def add_evidence(self, proven: Mapping[str, Evidence]) -> None:
        """Add what was `proven`, by pipeline."""
        message = f"Prove {few(list(proven))} for {self.environment}\n"
        self._append(lambda record: replace(record, smoke={**record.smoke, **proven}), message)

    def add_ratification(self, entries: tuple[Ratification, ...]) -> None:
        """Add `entries`, which share one reason."""
        releases = ", ".join(f"release {entry.release}" for entry in entries)
        message = f"Ratify {releases} of {self.environment}\n\n{entries[0].reason}\n"
        self._append(lambda record: replace(record, ratified=(*record.ratified, *entries)), message)

    def add_approval(self, approval: Approval, subjects: Sequence[str]) -> None:
        """Add `approval` of a change of `subjects`."""
        message = (
            f"Approve release {approval.release} of {self.environment}: {few(subjects)}\n\n"
            f"Approved-Plan: {approval.plan}\n"
        )
        self._append(lambda record: replace(record, approvals=(*record.approvals, approval)), message)

    def add_closings(self, entries: tuple[Closing, ...]) -> None:
        """Add `entries`: all are done or all are waived, for one shared reason."""
        first = entries[0]
        names = few([entry.backfill.pipeline for entry in entries])
        verb = "Close" if first.done else "Waive"
        message = f"{verb} the backfill of {names} in {self.environment}\n\n{first.reason}\n"
        self._append(lambda record: replace(record, closed=(*record.closed, *entries)), message)

    def add_observations(self, runs: Mapping[str, Observed]) -> None:
        """Add `runs`, by pipeline; they replace all that was observed before."""
        message = f"Observe the runs of {self.environment}: {few(list(runs))}\n"
        self._append(lambda record: replace(record, runs=runs), message)

    def add_failed(self, entries: tuple[Failed, ...]) -> None:
        """Add `entries`: versions that fail in the cluster, and go no further."""
        names = few([entry.pipeline for entry in entries])
        reasons = "".join(f"{entry.pipeline}: {entry.reason}\n" for entry in entries)
        message = f"Hold {names} in {self.environment}\n\n{reasons}"
        self._append(lambda record: replace(record, failed=(*record.failed, *entries)), message)

    def _append(self, change: Callable[[Record], Record], message: str) -> None:
        repository = self.repository
        for _ in range(_ATTEMPTS):
            head = self._head
            text = change(self.record()).to_yaml()
            tree = Tree({FILE: repository.write_blob(text.encode())}, repository)
            try:
                repository.push(self.name, repository.commit(tree, head, message, datetime.now(UTC)), head)
            except Conflict:
                continue  # the failed push has fetched the newer commits
            return
        raise Conflict("lost-race", f"{self.name} keeps moving", fix="run the command again")

    def _read(self, commit: str) -> Record:
        """Return the record of `commit`; it is remembered."""
        return self.repository.memory.recall("evidence", commit, partial(self._parse, commit))

    def _parse(self, commit: str) -> Record:
        try:
            record = Record.from_yaml(self.repository.read(f"{commit}:{FILE}").decode())
            refuse_other_types(record)
            return record
        except (ObjectMissing, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise PromotionError(
                "evidence-unreadable",
                f"{FILE} of {self.name} {commit[:8]} is not valid evidence ({type(error).__name__}: {error})",
                fix=f"it was changed by hand; delete it, then prove and ratify again: "
                f"git push {self.repository.remote} --delete {self.name}",
            ) from error
