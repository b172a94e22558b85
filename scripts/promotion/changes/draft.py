"""A draft: what a request would change, computed without writing anything, before any gate has judged it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from promotion.changes import differences
from promotion.changes.backfills import stale_since
from promotion.changes.differences import (
    DatabaseChange,
    DigestChange,
    FileChange,
    PipelineChange,
    ScheduleChange,
)
from promotion.changes.impact import impact
from promotion.changes.known_image import known_image
from promotion.changes.request import Request
from promotion.changes.selection import select
from promotion.layout import PLATFORM_AND_PROJECT, PROJECT
from promotion.pipelines.project import Project
from promotion.record.evidence import accepted, evidence_keys
from promotion.record.release import CONFIGURATION, PLATFORM, Evidence, Hold, Image
from promotion.repository.tree import Tree


@dataclass(frozen=True)
class Draft:
    """What the target would become, and every difference to what it runs now."""

    request: Request
    number: int
    selected: tuple[str, ...] | None  # None for all, together with the platform
    pipelines: tuple[PipelineChange, ...]
    files: tuple[FileChange, ...]
    platform: DigestChange
    configuration: DigestChange
    databases: tuple[DatabaseChange, ...]
    schedules: tuple[ScheduleChange, ...]
    keys: Mapping[str, str]  # pipeline → the key of the evidence that it needs
    evidence: Mapping[str, Evidence]  # earlier evidence that is still valid
    unproven: tuple[str, ...]  # the pipelines that a smoke test must prove first
    held: tuple[Hold, ...]  # the holds on the digests that would come
    image: Image  # what is known of it before its registry is asked
    tree: Tree = field(repr=False)
    project: Project = field(repr=False)
    before: Project = field(repr=False)  # what the target runs now

    @property
    def subjects(self) -> list[str]:
        """The names of what changes: pipelines; if none changes, the platform and the configuration."""
        shared = {"platform": self.platform, "configuration": self.configuration}
        other = [name for name, change in shared.items() if change.before != change.after]
        return [change.name for change in self.pipelines] or other

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not self.files

    @property
    def holds(self) -> tuple[Hold, ...]:
        """The holds in force after this release."""
        return tuple(hold for hold in self.request.holds if hold not in self.held)


def make_draft(request: Request) -> Draft:
    """Compose the target's next tree and compare it with what the target runs now."""
    target, environment, options = request.target, request.environment, request.options
    (source, before), source_name = _projects(request), request.called(request.source)
    selected = select(source, before, source_name, options.pipelines, options.exclude)
    tree = _compose(request, source, before, selected)
    after = Project(tree, like=source if selected is None else before)
    released = differences.released_environment(target.tree, environment.name)
    moved = tuple(
        _with_impact(request, before, after, change)
        for change in differences.pipeline_changes(source, before, after, selected, source_name)
    )
    platform = differences.platform_change(before, after, selected, source_name)
    configured = request.called(request.configuration)
    configuration = differences.configuration_change(target.tree, tree, environment.name, configured)
    digests = after.digests() | {PLATFORM: platform.after, CONFIGURATION: configuration.after}
    keys = evidence_keys(after, platform.after, environment)
    known = accepted([*request.proven, *_proven(request)], request.smoke)
    return Draft(
        request=request,
        number=len(target.releases) + 1,  # also after a commit by hand, whose record may have any number
        selected=None if selected is None else tuple(sorted(selected)),
        pipelines=moved,
        files=differences.file_changes(before, after, platform, configuration),
        platform=platform,
        configuration=configuration,
        databases=differences.database_changes(released, environment, configuration),
        schedules=differences.schedule_changes(released, environment, moved, request.now),
        keys=keys,
        evidence={name: known[key] for name, key in keys.items() if key in known},
        unproven=tuple(name for name in keys if keys[name] not in known) if "smoke" in request.gates else (),
        held=tuple(hold for hold in request.holds if digests.get(hold.pipeline) == hold.digest),
        image=known_image(request, tree),
        tree=tree,
        project=after,
        before=before,
    )


def _projects(request: Request) -> tuple[Project, Project]:
    """Return what the source and the target run."""
    source, target = request.source, request.target
    before = Project(target.tree, environment=target.endpoint.environment)
    environment = source.endpoint.environment if request.is_promotion else None
    return Project(source.tree, environment=environment, like=before), before


def _proven(request: Request) -> list[Evidence]:
    """Return the evidence that the target's releases brought, and that of the current one."""
    target = request.target
    proven = [evidence for entry in target.history for evidence in entry.proven]
    return [*proven, *(target.current.smoke.values() if target.current else ())]


def _with_impact(request: Request, before: Project, after: Project, change: PipelineChange) -> PipelineChange:
    if change.after is None or change.renamed_from:
        return change
    start = stale_since(change.name, change.after, request.target.history, request.closed)
    return replace(change, impact=impact(before, after, change.name, start))


def _compose(request: Request, new: Project, old: Project, selected: Iterable[str] | None) -> Tree:
    """Lay the promoted files over the files that the target runs, and the configuration over both."""
    source, target = new.tree, old.tree
    configuration = request.configuration.tree.under(f"environments/{request.environment.name}")
    if selected is None:
        return source.under(*PLATFORM_AND_PROJECT).overlaid_with(configuration)
    selected = set(selected)
    users = old.users(old.files_of(selected))
    only_theirs = {path for path, names in users.items() if selected.issuperset(names)}
    # A removed pipeline goes even if others need its folder for a global data product: then they are affected.
    gone = target.under(*(f"{PROJECT}/pipelines/{name}" for name in selected if name not in new))
    kept = target.under(*PLATFORM_AND_PROJECT).without({*only_theirs, *gone})
    if not kept:  # the first release of an environment needs a platform
        kept = source.under(*PLATFORM_AND_PROJECT).without(new.claimed)
    return kept.overlaid_with(source.only(new.files_of(selected))).overlaid_with(configuration)
