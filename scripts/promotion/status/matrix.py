"""The matrix pipelines × environments: what runs where, since when, proven or on hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from basics.errors import PromotionError
from promotion.changes.backfills import still_open
from promotion.changes.differences import platform_digest
from promotion.changes.sides import main_side
from promotion.configuration.environment import configured, load_environment
from promotion.configuration.freeze import Freeze, freeze_at
from promotion.configuration.policy import Policy, StandingHold
from promotion.gates.emergency import open_emergencies
from promotion.layout import ENVIRONMENTS, PLATFORM_AND_PROJECT
from promotion.pipelines.project import Project
from promotion.record.evidence_branch import EvidenceBranch
from promotion.record.evidence_record import Failed, Record
from promotion.record.release import Backfill, Entry, Hold, Release, releases
from promotion.repository.git import MAIN, Repository
from promotion.repository.tree import Tree


@dataclass(frozen=True)
class Cell:
    """One pipeline in one environment; `since` is when its digest arrived there."""

    digest: str
    release: int | None = None
    since: datetime | None = None
    verified: bool = False


@dataclass(frozen=True)
class Column:
    """One environment (or `main`, which has no releases) with its pipelines."""

    name: str
    policy: Policy | None  # None for main, or if the environment's configuration is not usable
    cells: Mapping[str, Cell]
    current: Release | None = None
    history: Sequence[Entry] = ()  # newest first
    configuration_ahead: bool = False  # the configuration on main differs from the release's
    platform: str | None = None  # the digest of what all pipelines share
    emergencies: Sequence[Entry] = ()  # releases whose skipped checks are still open
    backfills: Sequence[Backfill] = ()  # open ones
    failed: Sequence[Failed] = ()  # versions that run here, failed, and go no further

    @property
    def source(self) -> str | None:
        """The name of the source of promotions."""
        return self.policy.source if self.policy else None

    def freeze(self, now: datetime) -> Freeze | None:
        """Return the freeze that `now` is in."""
        return freeze_at(self.policy.freezes, now) if self.policy else None

    @property
    def standing_holds(self) -> Sequence[StandingHold]:
        """The holds in the policy on `main`."""
        return self.policy.holds if self.policy else ()

    @property
    def holds(self) -> Sequence[Hold]:
        """The holds that rollbacks left."""
        return self.current.holds if self.current else ()


@dataclass(frozen=True)
class Matrix:
    """All environments in the order of promotion, `main` first."""

    columns: Sequence[Column]

    @property
    def pipelines(self) -> list[str]:
        """Every pipeline of every environment."""
        return sorted({name for column in self.columns for name in column.cells})

    def is_behind(self, column: Column, pipeline: str) -> bool:
        """Tell whether the pipeline differs from the environment's source, or only one of the two has it."""
        source = self._source(column)
        if source is None:
            return False
        theirs, ours = source.cells.get(pipeline), column.cells.get(pipeline)
        return (theirs.digest if theirs else None) != (ours.digest if ours else None)

    def is_behind_anywhere(self, pipeline: str) -> bool:
        """Tell whether the pipeline differs from the source in any environment."""
        return any(self.is_behind(column, pipeline) for column in self.columns)

    def platform_is_behind(self, column: Column) -> bool:
        """Tell whether the platform differs from the environment's source."""
        source = self._source(column)
        return (
            source is not None
            and None not in (source.platform, column.platform)
            and (source.platform != column.platform)
        )

    def _source(self, column: Column) -> Column | None:
        return next((other for other in self.columns if other.name == column.source), None)


def read_matrix(repository: Repository) -> Matrix:
    """Fetch, and read what every environment runs."""
    repository.fetch()
    main = main_side(repository).tree
    project = Project(main.under(*PLATFORM_AND_PROJECT), environment=MAIN)
    cells = {name: Cell(digest) for name, digest in project.digests().items()}
    first = Column(MAIN, None, cells, platform=platform_digest(project))
    policies = {name: _policy(main, name) for name in configured(main)}
    sources = {name: policy.source if policy else None for name, policy in policies.items()}
    order = sorted(sources, key=lambda name: (_steps_from_main(name, sources), name))
    return Matrix([first, *(_column(repository, main, name, policies[name]) for name in order)])


def _policy(main: Tree, name: str) -> Policy | None:
    """Return the policy of an environment; None if its configuration is not usable."""
    try:
        return load_environment(main, name).policy
    except PromotionError:
        return None


def _steps_from_main(name: str, sources: Mapping[str, str | None]) -> int:
    steps, source = 0, sources[name]
    while source is not None and source in sources and steps < len(sources):
        steps, source = steps + 1, sources[source]
    return steps if source == MAIN else len(sources)


def _column(repository: Repository, main: Tree, name: str, policy: Policy | None) -> Column:
    known = releases(repository, name)
    if not known:
        return Column(name, policy, {})
    current, branch = known[0], EvidenceBranch(repository, name)
    history = list(known.entries())
    arrived = {entry.number: entry.at for entry in history}
    cells = {
        pipeline: Cell(entry.digest, entry.since, arrived.get(entry.since), pipeline in current.smoke)
        for pipeline, entry in current.pipelines.items()
    }
    ahead = main.under(f"{ENVIRONMENTS}/{name}").digest() != current.configuration
    watched = policy is not None and policy.watch
    if not watched and not current.backfills and not any(entry.emergency for entry in history):
        record = Record()  # so an unreadable branch evidence/<env> does not matter
    else:
        record = branch.record()
    ratified = {entry.release for entry in record.ratified}
    emergencies = open_emergencies(history, ratified, branch.ever_proven)
    backfills = still_open(current.backfills, record.closed)
    failed = [entry for entry in record.failed if current.digests.get(entry.pipeline) == entry.digest]
    return Column(name, policy, cells, current, history, ahead, current.platform, emergencies, backfills, failed)
