"""What a promotion would do, computed without writing anything; frozen, and exactly what apply executes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from basics.errors import NotYet, PromotionError
from promotion.changes import differences as changes
from promotion.changes.backfills import stale_since, still_open
from promotion.changes.differences import DatabaseChange, DigestChange, FileChange, PipelineChange, ScheduleChange
from promotion.changes.impact import impact
from promotion.changes.selection import select
from promotion.configuration.environment import Environment
from promotion.gates import refusals
from promotion.gates.approvals import counted_approvals
from promotion.gates.emergency import emergency_of
from promotion.gates.policy_gate import policy_refusals, refusing
from promotion.gates.static_gate import Part, passes, static_findings
from promotion.options import Options
from promotion.pipelines import io_config
from promotion.pipelines.project import FOLDER, Project
from promotion.record.evidence import accepted, evidence_keys
from promotion.record.evidence_branch import Closing, Observed
from promotion.record.release import (
    CONFIGURATION,
    PLATFORM,
    Backfill,
    Emergency,
    Endpoint,
    Entry,
    Evidence,
    Hold,
    Release,
)
from promotion.repository.tree import Tree

# What a release takes from its source; its configuration comes from `main`, whatever the source is.
PLATFORM_AND_PROJECT = ("charts", FOLDER, "Dockerfile", ".dockerignore", "requirements.txt")


@dataclass(frozen=True)
class Side:
    """Where one end of a promotion stands: its endpoint, its tree and, of an environment, its releases."""

    endpoint: Endpoint
    tree: Tree
    releases: Sequence[Release] = ()
    history: Sequence[Entry] = ()  # what each of them says about itself

    @property
    def current(self) -> Release | None:
        """The release that the environment runs now."""
        return self.releases[0] if self.releases else None


@dataclass(frozen=True)
class Request:
    """All that a plan is computed from; `configuration` is where `environments/<target>/` is taken from.

    That is `main` for a promotion and the older release for a rollback; `holds` are those in force, `proven` is
    what was proven without a release, `runs` what was observed in the source; `approved` tells who approved a
    plan, by its digest. Who asks is known as far as the policy wants to know it.
    """

    action: str  # promotion | rollback
    source: Side
    target: Side
    configuration: Side
    environment: Environment
    options: Options
    holds: tuple[Hold, ...]
    now: datetime
    by: str | None = None  # `Name <email>`
    signing: bool = False  # whether the release will be a signed commit
    proven: tuple[Evidence, ...] = ()
    runs: Mapping[str, Observed] = field(default_factory=dict)
    approved: Callable[[str], Iterable[str]] = field(default=lambda digest: (), compare=False)
    closed: tuple[Closing, ...] = ()  # the target's backfills that need no more doing

    def called(self, side: Side) -> str:
        """Return what reasons call `side`: to a rollback, all that it reads is a release of the target."""
        endpoint = side.endpoint
        return f"release {endpoint.release}" if self.action == "rollback" else endpoint.environment

    def command(self, options: Options) -> str:
        """Return what somebody types who wants the same, but with `options`."""
        source, target = self.source.endpoint, self.environment.name
        rollback = f"rollback.py {target} --to {source.release}"
        what = rollback if self.action == "rollback" else f"promote.py {source.environment} {target}"
        return f"scripts/{what} {options.arguments}".rstrip()

    @property
    def gates(self) -> tuple[str, ...]:
        """Those that are due: the policy's, and the smoke gate where others have to be proven on a shared file."""
        gates = self.environment.policy.gates
        proves = self.options.verify_dependants or self.options.smoke is not None
        return (*gates, "smoke") if proves and "smoke" not in gates else gates

    @property
    def smoke(self) -> str:
        """The kind of evidence that is asked for."""
        return self.options.smoke or self.environment.policy.smoke

    @property
    def backfills(self) -> tuple[Backfill, ...]:
        """Those of the target that are open now."""
        current = self.target.current
        return still_open(current.backfills, self.closed) if current else ()


@dataclass(frozen=True)
class Plan:
    """Everything that a promotion would do, and everything that stands in its way."""

    request: Request
    number: int
    selected: tuple[str, ...] | None  # None for all, and for the platform with them
    pipelines: tuple[PipelineChange, ...]
    files: tuple[FileChange, ...]
    platform: DigestChange
    configuration: DigestChange
    databases: tuple[DatabaseChange, ...]
    schedules: tuple[ScheduleChange, ...]
    keys: Mapping[str, str]  # pipeline → the key of the evidence that it needs
    evidence: Mapping[str, Evidence]  # what was proven earlier and still holds
    due: tuple[str, ...]  # the pipelines that a smoke test has to prove first
    holds: tuple[Hold, ...]  # in force after this release
    approved_by: tuple[str, ...]  # as far as it counts
    emergency: Emergency | None
    refusals: tuple[PromotionError, ...]
    tree: Tree = field(repr=False)
    project: Project = field(repr=False)

    @property
    def subjects(self) -> list[str]:
        """What becomes another one, by name: pipelines, or without any what they share and are configured by."""
        shared = {"platform": self.platform, "configuration": self.configuration}
        other = [name for name, change in shared.items() if change.before != change.after]
        return [change.name for change in self.pipelines] or other

    @property
    def is_empty(self) -> bool:
        """Whether the target already is what it would become."""
        return not self.files

    def same_changes(self, later: Plan) -> bool:
        """Whether `later`, computed after the target moved, changes the same and asks for no other proof."""
        return (
            (self.pipelines, self.files, self.schedules) == (later.pipelines, later.files, later.schedules)
            and self.configuration[:2] == later.configuration[:2]
            and self.platform.after == later.platform.after
            and self.emergency == later.emergency
            and all(name in self.due and self.keys[name] == later.keys[name] for name in later.due)
        )


def build_plan(request: Request) -> Plan:
    """Compose the target's next tree and compare it with what the target runs now."""
    target, environment, options = request.target, request.environment, request.options
    (source, before), place = _projects(request), request.called(request.source)
    selected = select(source, before, place, options.pipelines, options.exclude)
    tree = _compose(request, source, before, selected)
    after = Project(tree, like=source if selected is None else before)
    released = changes.released_environment(target.tree, environment.name)
    moved = tuple(
        _with_impact(request, before, after, change)
        for change in changes.pipeline_changes(source, before, after, selected, place)
    )
    platform = changes.platform_change(before, after, selected, place)
    keys = evidence_keys(after, platform.after, environment)
    known = accepted([*request.proven, *_proven(target)], request.smoke)
    configured = request.called(request.configuration)
    configuration = changes.configuration_change(target.tree, tree, environment.name, configured)
    digests = after.digests() | {PLATFORM: platform.after, CONFIGURATION: configuration.after}
    held = [hold for hold in request.holds if digests.get(hold.pipeline) == hold.digest]
    due = [name for name in keys if keys[name] not in known] if "smoke" in request.gates else []
    unproven = {name: keys[name] for name in due} if "smoke" in options.emergency else {}
    plan = Plan(
        request=request,
        number=len(target.releases) + 1,  # also after a commit by hand, whose record may say anything
        selected=None if selected is None else tuple(sorted(selected)),
        pipelines=moved,
        files=changes.file_changes(before, after, platform, configuration),
        platform=platform,
        configuration=configuration,
        databases=changes.database_changes(released, environment, configuration),
        schedules=changes.schedule_changes(released, environment, moved, request.now),
        keys=keys,
        evidence={name: known[key] for name, key in keys.items() if key in known},
        due=() if unproven else tuple(due),
        holds=tuple(hold for hold in request.holds if hold not in held),
        approved_by=(),
        emergency=None,
        refusals=(),
        tree=tree,
        project=after,
    )
    plan = replace(plan, approved_by=counted_approvals(plan))
    emergency = emergency_of(options.emergency, refusing(plan), request.smoke, unproven)
    refused = sorted(_refusals(plan, before, held), key=lambda refusal: isinstance(refusal, NotYet))
    return replace(plan, emergency=emergency, refusals=tuple(refused))


def _projects(request: Request) -> tuple[Project, Project]:
    """Return what the source and the target run."""
    source, target = request.source, request.target
    before = Project(target.tree, place=target.endpoint.environment)
    place = source.endpoint.environment if request.action == "promotion" else None
    return Project(source.tree, place=place, like=before), before


def _proven(target: Side) -> list[Evidence]:
    """Return what the target's releases proved, and what the current one was released with."""
    proven = [evidence for entry in target.history for evidence in entry.proven]
    return [*proven, *(target.current.smoke.values() if target.current else ())]


def _with_impact(request: Request, before: Project, after: Project, change: PipelineChange) -> PipelineChange:
    if change.after is None or change.renamed_from:
        return change
    start = stale_since(change.name, change.after, request.target.history, request.closed)
    return replace(change, impact=impact(before, after, change.name, start))


def _compose(request: Request, new: Project, old: Project, selected: Iterable[str] | None) -> Tree:
    """Lay what is promoted over what the target runs, and the configuration over both."""
    source, target = new.tree, old.tree
    configuration = request.configuration.tree.under(f"environments/{request.environment.name}")
    if selected is None:
        return source.under(*PLATFORM_AND_PROJECT).overlaid_with(configuration)
    selected = set(selected)
    users = old.users(_files_of(old, selected))
    only_theirs = {path for path, names in users.items() if selected.issuperset(names)}
    # What goes, goes, even where others look into its folder for a global data product: then they are affected.
    gone = target.under(*(f"{FOLDER}/pipelines/{name}" for name in selected if name not in new))
    kept = target.under(*PLATFORM_AND_PROJECT).without({*only_theirs, *gone})
    if not kept:  # the first release of an environment cannot do without the platform
        kept = source.under(*PLATFORM_AND_PROJECT).without(new.claimed)
    return kept.overlaid_with(source.only(_files_of(new, selected))).overlaid_with(configuration)


def _files_of(project: Project, names: Iterable[str]) -> set[str]:
    return {path for name in names if name in project for path in project.closure(name).files}


def _refusals(plan: Plan, before: Project, held: Sequence[Hold]) -> Iterator[PromotionError]:
    """Yield what stands in the way, the policy first."""
    request, environment, options = plan.request, plan.request.environment, plan.request.options
    yield from policy_refusals(plan)
    yield from refusals.no_text(plan.project.pipelines)
    if request.action == "promotion" and not options.release_hold:
        yield from refusals.on_hold(held)
    if not options.verify_dependants:
        yield from refusals.shared_file(
            request.command,
            options,
            plan.selected or (),
            plan.pipelines,
            plan.files,
            takes_selectors=request.action == "promotion",
        )
    if "static" in request.gates:
        findings = static_findings(plan.project, environment, _not_passed(plan, before))
        back = request.command(replace(options, pipelines=())) if request.action == "rollback" else None
        yield from refusals.static_gate(refusals.still_scheduled(findings, environment, plan.pipelines, back))


def _not_passed(plan: Plan, before: Project) -> Part | None:
    """Return what of the plan has not passed the static gate with the target's current release; None for all.

    A selection leaves the rest as it is, as long as no pipeline goes and what they all share stays as it is.
    """
    request, after, commit = plan.request, plan.project, plan.request.target.endpoint.commit
    shared = any(not file.pipelines or file.path == io_config.PATH for file in plan.files)
    if plan.selected is None or commit is None or shared or any(name not in after for name in before.pipelines):
        return None
    if not passes(before, request.environment, commit):
        return None
    paths = {file.path for file in plan.files} | _files_of(after, after.renewed)
    return Part(after.renewed, paths & after.tree.keys())
