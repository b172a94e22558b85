"""What a release says about itself: the record, and the message of its commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from promotion.changes.draft import Draft
from promotion.pipelines.own_name import project_folder
from promotion.planning.plan import Plan
from promotion.record.release import Evidence, Image, Release, Released
from promotion.releasing.backfills import backfills_after


def record_of(plan: Plan, proofs: Mapping[str, Evidence], identity: str, image: Image) -> Release:
    """Return the release that `plan` becomes now, by `identity` and with `image`; it is not committed yet."""
    draft, verdict, request = plan.draft, plan.verdict, plan.request
    now = datetime.now(UTC).replace(microsecond=0)  # as in the record
    skipped = verdict.emergency.skipped if verdict.emergency else ()
    signed = {name: replace(proofs[name], release=draft.number, by=identity) for name in verdict.due}
    return Release(
        number=draft.number,
        environment=request.environment.name,
        action=request.action,
        source=request.source.endpoint,
        pipelines=_pipelines(draft),
        platform=draft.platform.after,
        configuration=draft.configuration.after,
        configuration_commit=request.configuration.endpoint.commit or "",
        image=image,
        smoke={**draft.evidence, **signed},
        gates=tuple(gate for gate in request.gates if gate not in skipped),
        by=identity,
        at=now,
        reason=request.options.reason,
        holds=draft.holds,
        emergency=verdict.emergency,
        approved_by=verdict.approved_by,
        renamed={change.name: change.renamed_from for change in draft.pipelines if change.renamed_from},
        backfills=backfills_after(draft, now.date()),
        folder=project_folder(draft.tree),
    )


def _pipelines(draft: Draft) -> Mapping[str, Released]:
    """Return every pipeline; an unchanged one keeps its source, and the release since which it is here."""
    current, source = draft.request.target.current, draft.request.source.endpoint
    kept = current.pipelines if current else {}
    pipelines = {}
    for name, digest in draft.project.digests().items():
        known = kept.get(name)
        is_kept = known is not None and known.digest == digest
        pipelines[name] = known if known and is_kept else Released(digest, source, draft.number)
    return pipelines


def title(draft: Draft) -> str:
    """Return in one line what the release of `draft` is."""
    names, request = draft.subjects, draft.request
    what = ", ".join(names) if len(names) <= 2 else f"{len(names)} pipelines"
    verb = "Release" if request.is_promotion else "Roll back"
    return f"{verb} {draft.number} of {request.environment.name}: {what} from {request.source.endpoint}"


def message(draft: Draft, release: Release) -> str:
    """Return the message of the commit of `release`, which `draft` becomes."""
    lines = [title(draft), ""]
    if release.reason:
        lines += [release.reason, ""]
    lines += [f"Promotion-{change.action.capitalize()}: {change.name}" for change in draft.pipelines]
    if release.emergency:
        lines.append(f"Promotion-Skipped: {', '.join(release.emergency.skipped)}")
    lines += [f"Approved-By: {identity}" for identity in release.approved_by]
    lines += [
        f"Promotion-Source: {release.source.environment}@{release.source.commit}",
        f"Promotion-Target: {release.environment} release {release.number}",
        f"Promoted-By: {release.by}",
    ]
    return "\n".join(lines) + "\n"
