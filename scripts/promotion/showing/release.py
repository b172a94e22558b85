"""What was done, and how to take it back."""

from __future__ import annotations

from basics.wording import few
from promotion.record.release import Release, branch_of
from promotion.showing.result import Lines, Shown


def shown_release(release: Release) -> Shown:
    """Return `release` as the result of a command."""
    return Shown("release", _document(release), _lines(release))


def _document(release: Release) -> dict[str, object]:
    return {
        "environment": release.environment,
        "number": release.number,
        "commit": release.commit,
        "image": release.image.tag,
        "image_digest": release.image.digest or None,
    }


def _lines(release: Release) -> Lines:
    name, before = release.environment, release.number - 1
    told = f"Released {name} {release.number}: {branch_of(name)} is at {release.commit[:8]}"
    lines = [(told, "bold green")]
    if before:  # by its number, as the release before a rollback is on hold
        lines.append((f"Take it back: scripts/rollback.py {name} --to {before} --reason TEXT", ""))
    if release.backfills:
        names = few([backfill.pipeline for backfill in release.backfills])
        lines.append((f"To backfill: {names}; see scripts/promote.py backfill {name}", ""))
    return lines
