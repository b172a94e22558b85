"""Observed runs: whether the promoted digests have run often enough in the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from basics.wording import short
from promotion.changes.draft import Draft
from promotion.gates.soak import running_since
from promotion.record.evidence_record import Observed


@dataclass(frozen=True)
class TooFew:
    """A pipeline with too few runs; `runs` is None where this version was not observed."""

    name: str
    digest: str
    runs: Observed | None
    is_there: bool  # whether the source runs this version

    def __str__(self) -> str:
        return f"{self.name} {short(self.digest)} ({self._why})"

    @property
    def _why(self) -> str:
        if not self.is_there:
            return "the source does not run it"
        if self.runs is None:
            return "not observed"
        return f"{self.runs.completed}{', and the last one failed' if self.runs.last == 'failed' else ''}"


def too_few_runs(draft: Draft) -> Iterator[TooFew]:
    """Yield what would change and has completed fewer scheduled runs than the policy requires, or failed last."""
    request = draft.request
    asked = request.environment.policy.runs
    for change in draft.pipelines if asked else ():
        if change.after:
            arrived = running_since(request.source.releases, change.name, change.after)
            runs = request.runs.get(change.name)
            if runs and not (arrived and (runs.digest, runs.since) == (change.after, arrived.number)):
                runs = None  # of another version, or of an earlier time when this one ran
            if runs is None or runs.completed < asked or runs.last == "failed":
                yield TooFew(change.name, change.after, runs, arrived is not None)
