"""What a promotion would do, computed without writing anything; frozen, and exactly what apply executes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from promotion import changes, refusals
from promotion.changes import DatabaseChange, FileChange, PipelineChange, ScheduleChange, platform_digest
from promotion.environment import Environment
from promotion.errors import PromotionError
from promotion.evidence import evidence_keys
from promotion.gates import static_findings
from promotion.project import FOLDER, Project
from promotion.release import CONFIGURATION, PLATFORM, Endpoint, Evidence, Hold, Release
from promotion.tree import Tree

# What a release takes from its source; its configuration comes from `main`, whatever the source is.
PLATFORM_AND_PROJECT = ("charts", FOLDER, "Dockerfile", ".dockerignore", "requirements.txt")


@dataclass(frozen=True)
class Options:
    """What the person asked for beyond source and target; no `pipelines` means all."""

    pipelines: tuple[str, ...] = ()
    verify_dependants: bool = False
    release_hold: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Side:
    """Where one end of a promotion stands: its endpoint, its tree and, of an environment, its releases."""

    endpoint: Endpoint
    tree: Tree
    releases: Sequence[Release] = ()

    @property
    def current(self) -> Release | None:
        """The release that the environment runs now."""
        return self.releases[0] if self.releases else None


@dataclass(frozen=True)
class Request:
    """All that a plan is computed from; `configuration` is where `environments/<target>/` is taken from.

    That is `main` for a promotion and the older release for a rollback; `holds` are those in force.
    """

    action: str  # promotion | rollback
    source: Side
    target: Side
    configuration: Side
    environment: Environment
    options: Options
    holds: tuple[Hold, ...]


@dataclass(frozen=True)
class Plan:
    """Everything that a promotion would do, and everything that stands in its way."""

    request: Request
    number: int
    pipelines: tuple[PipelineChange, ...]
    files: tuple[FileChange, ...]
    platform: tuple[str | None, str]
    configuration: tuple[str | None, str]
    databases: tuple[DatabaseChange, ...]
    schedules: tuple[ScheduleChange, ...]
    keys: Mapping[str, str]  # pipeline → the key of the evidence that it needs
    evidence: Mapping[str, Evidence]  # what earlier releases proved and still holds
    due: tuple[str, ...]  # the pipelines that a smoke test has to prove first
    holds: tuple[Hold, ...]  # in force after this release
    refusals: tuple[PromotionError, ...]
    tree: Tree = field(repr=False)
    project: Project = field(repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether the target already is what it would become."""
        return not self.files

    def same_changes(self, later: Plan) -> bool:
        """Whether `later`, computed after the target moved, changes the same and asks for no other proof."""
        return (
            (self.pipelines, self.files, self.schedules) == (later.pipelines, later.files, later.schedules)
            and self.configuration == later.configuration
            and self.platform[1] == later.platform[1]
            and all(name in self.due and self.keys[name] == later.keys[name] for name in later.due)
        )


def build_plan(request: Request) -> Plan:
    """Compose the target's next tree and compare it with what the target runs now."""
    target, environment = request.target, request.environment
    selected = _selected(request)
    tree = _compose(request, selected)
    before, after = Project(target.tree), Project(tree)
    released = changes.released_environment(target.tree, environment.name)
    moved = changes.pipeline_changes(before, after, selected, request.source.endpoint)
    keys = evidence_keys(after, environment)
    known = {evidence.key: evidence for release in target.releases for evidence in release.smoke.values()}
    platform, configuration = (
        platform_digest(after),
        changes.configuration_digests(target.tree, tree, environment.name),
    )
    digests = {name: after.digest(name) for name in after.pipelines}
    digests |= {PLATFORM: platform, CONFIGURATION: configuration[1]}
    held = [hold for hold in request.holds if digests.get(hold.pipeline) == hold.digest]
    smoke = "smoke" in environment.policy.gates or request.options.verify_dependants
    due = [name for name in keys if keys[name] not in known] if smoke else []
    return Plan(
        request=request,
        number=target.current.number + 1 if target.current else 1,
        pipelines=moved,
        files=changes.file_changes(before, after),
        platform=(platform_digest(before) if target.tree else None, platform),
        configuration=configuration,
        databases=changes.database_changes(released, environment),
        schedules=changes.schedule_changes(released, environment),
        keys=keys,
        evidence={name: known[key] for name, key in keys.items() if key in known},
        due=tuple(due),
        holds=tuple(hold for hold in request.holds if hold not in held),
        refusals=tuple(_refusals(request, after, moved, held)),
        tree=tree,
        project=after,
    )


def _selected(request: Request) -> tuple[str, ...] | None:
    """Return the selected pipelines, None for all; refuse names that neither side has."""
    names = request.options.pipelines
    known = {*Project(request.source.tree).pipelines, *Project(request.target.tree).pipelines}
    for name in names:
        if name not in known:
            raise refusals.unknown_pipeline(request.source.endpoint.environment, name, known)
    return tuple(dict.fromkeys(names)) or None


def _compose(request: Request, selected: tuple[str, ...] | None) -> Tree:
    """Lay what is promoted over what the target runs, and the configuration over both."""
    source, target = request.source.tree, request.target.tree
    configuration = request.configuration.tree.under(f"environments/{request.environment.name}")
    if selected is None:
        return source.under(*PLATFORM_AND_PROJECT).overlaid_with(configuration)
    new, old = Project(source), Project(target)
    only_theirs = _files_of(old, selected) - _files_of(old, set(old.pipelines) - set(selected))
    kept = target.under(*PLATFORM_AND_PROJECT).without(only_theirs)
    if not kept:  # the first release of an environment cannot do without the platform
        kept = source.under(*PLATFORM_AND_PROJECT).without(new.claimed)
    return kept.overlaid_with(source.only(_files_of(new, selected))).overlaid_with(configuration)


def _files_of(project: Project, names: Iterable[str]) -> set[str]:
    return {path for name in names if name in project.pipelines for path in project.closure(name).files}


def _refusals(
    request: Request, after: Project, moved: Sequence[PipelineChange], held: Sequence[Hold]
) -> Iterator[PromotionError]:
    """Yield what stands in the way, the most fundamental first."""
    environment, options = request.environment, request.options
    if request.action == "promotion" and not options.release_hold:
        yield from refusals.on_hold(held)
    if not options.verify_dependants:
        yield from refusals.shared_file(_command(request), options.pipelines, moved)
    if "static" in environment.policy.gates:
        yield from refusals.static_gate(static_findings(after, environment))


def _command(request: Request) -> str:
    source, target = request.source.endpoint, request.environment.name
    if request.action == "rollback":
        return f"scripts/rollback.py {target} --to {source.release} --reason TEXT"
    return f"scripts/promote.py {source.environment} {target}"
