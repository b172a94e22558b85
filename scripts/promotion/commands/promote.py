"""`promote.py SRC DST`: plan, ask, apply."""

from __future__ import annotations

from promotion.environment import load_environment
from promotion.errors import UsageError
from promotion.git import Repository
from promotion.interactive import carry_out
from promotion.plan import Options, Plan, Request, build_plan
from promotion.report import Report
from promotion.sides import environment_side, main_side, refuse_local_changes, source_side
from promotion.story import Story


def promote(
    repository: Repository,
    source: str,
    target: str,
    options: Options,
    *,
    mode: str,
    report: Report,
    story: Story,
) -> int:
    """Promote from `source` to `target`; `mode` is ask, plan or yes. Returns the exit code."""
    if options.release_hold and not options.reason:
        raise UsageError("no-reason", "--release-hold overrides somebody's decision", fix="say why: --reason TEXT")
    return carry_out(
        lambda: plan_promotion(repository, source, target, options),
        repository,
        reading=f"{source} and {target}",
        mode=mode,
        report=report,
        story=story,
    )


def plan_promotion(repository: Repository, source: str, target: str, options: Options) -> Plan:
    """Fetch and compute the plan of a promotion from `source` to `target`."""
    repository.fetch()
    main = main_side(repository)
    environment = load_environment(main.tree, target)
    taken_from = source_side(repository, source, main, environment)
    refuse_local_changes(repository, source, target)
    side = environment_side(repository, target)
    return build_plan(
        Request(
            action="promotion",
            source=taken_from,
            target=side,
            configuration=main,
            environment=environment,
            options=options,
            holds=side.current.holds if side.current else (),
        )
    )
