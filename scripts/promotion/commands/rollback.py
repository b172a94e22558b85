"""`rollback.py ENV`: a new release with the content of an older one; what ran until then is on hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from basics.errors import PromotionError, UsageError
from promotion.changes.draft import make_draft
from promotion.changes.holds import holds_after_rollback
from promotion.changes.request import Request
from promotion.changes.selection import unknown_pipeline
from promotion.changes.sides import Side, main_side, released_side
from promotion.commands.carry_out import CarryOut
from promotion.configuration.environment import Environment, load_environment
from promotion.configuration.people import promoter
from promotion.configuration.registry import Registry
from promotion.options import Options
from promotion.planning.plan import Plan, make_plan
from promotion.record.evidence_branch import EvidenceBranch
from promotion.record.evidence_record import Closing
from promotion.record.release import Endpoint, Release
from promotion.repository.git import Repository
from promotion.showing.result import Result


def rollback(
    repository: Repository,
    name: str,
    number: int | None,
    options: Options,
    *,
    mode: str,
    pr: bool = False,
) -> Iterator[Result]:
    """Take the environment `name` back to the release `number` (None: the last good one before the current).

    With `pr` the release goes to a branch for a pull request.
    """
    if not options.reason:
        raise UsageError(
            "no-reason", "a rollback needs a reason, for those who read about it later", fix="add --reason TEXT"
        )
    step = CarryOut(lambda: plan_rollback(repository, name, number, options), repository, mode, pr=pr)
    yield from step.read(name)


def plan_rollback(
    repository: Repository, name: str, number: int | None, options: Options, now: datetime | None = None
) -> Plan:
    """Fetch and compute the plan of a rollback at the moment `now`.

    The older release brings its own configuration; a rollback of some pipelines leaves the current one.
    """
    repository.fetch()
    target = released_side(repository, name)
    current = target.releases[0]
    older = _older(target, number, options.pipelines)
    source = Side(Endpoint(name, older.number, older.commit), repository.tree(older.commit), [older])
    names = options.pipelines or tuple({**older.digests, **current.digests})
    configuration = target if options.pipelines else source
    environment = _environment(repository, current, configuration)
    draft = make_draft(
        Request(
            action="rollback",
            source=source,
            target=target,
            configuration=configuration,
            environment=environment,
            options=options,
            holds=holds_after_rollback(current, {part: older.digests.get(part) for part in names}, options.reason),
            now=now or datetime.now(UTC),
            remote=repository.remote,
            by=promoter(repository, environment.policy),
            signing=repository.signs(),
            proven=tuple(older.smoke.values()),
            closed=_closed(repository, name),
        )
    )
    return make_plan(draft)


def _environment(repository: Repository, current: Release, configuration: Side) -> Environment:
    """Return the environment as it will be, under the current policy of `main` and with its registry.

    If `main` cannot be read, the policy is that of the given configuration, and the registry that of `current`.
    """
    name, known = current.environment, current.image.repository
    environment = replace(load_environment(configuration.tree, name), registry=Registry(known) if known else None)
    with suppress(PromotionError):
        today = load_environment(main_side(repository).tree, name)
        return replace(environment, policy=today.policy, registry=today.registry)
    return environment


def _closed(repository: Repository, name: str) -> tuple[Closing, ...]:
    """Return the closed backfills, or none where they cannot be read: that must not stop a rollback."""
    with suppress(PromotionError):
        return EvidenceBranch(repository, name).record().closed
    return ()


def _older(target: Side, number: int | None, names: tuple[str, ...]) -> Release:
    """Return the release `number`, by default the last one in which `names` differ and are not on hold."""
    current, *earlier = target.releases
    ever = {name for release in target.releases for name in release.pipelines}
    if unknown := [name for name in names if name not in ever]:
        raise unknown_pipeline(current.environment, unknown[0], ever)
    environment = current.environment
    if number is not None:
        if 0 < number <= len(earlier):
            return earlier[-number]  # by position: a commit made by hand may have the number of another
        fix = f"a number from 1 to {len(earlier)}" if earlier else f"scripts/status.py {environment}"
        raise UsageError("unknown-release", f"{environment} has no earlier release {number}", fix=fix)
    held = {(hold.pipeline, hold.digest) for hold in current.holds}
    for release in earlier:
        content = _content(release, names)
        if not content & held and content != _content(current, names):
            return release
    which, fix = "to go back to", f"scripts/status.py {environment}"
    if earlier:
        which, fix = "that is different and not on hold", f"name one with --to N; {fix} shows them"
    raise UsageError("nothing-older", f"{environment} has no earlier release {which}", fix=fix)


def _content(release: Release, names: tuple[str, ...]) -> set[tuple[str, str]]:
    """Return the digests of `names` in a release; without names, of all its pipelines."""
    return {(name, digest) for name, digest in release.digests.items() if name in (names or [name])}
