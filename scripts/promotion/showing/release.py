"""What was done, and how to take it back."""

from __future__ import annotations

from basics.wording import few
from promotion.record.release import Release, branch_of


def release_document(release: Release) -> dict[str, object]:
    """Return `release` as JSON."""
    return {
        "environment": release.environment,
        "number": release.number,
        "commit": release.commit,
        "image": release.image,
    }


def release_lines(release: Release) -> list[tuple[str, str]]:
    """Return the lines that say what `release` is, and what comes next."""
    name, before = release.environment, release.number - 1
    told = f"Released {name} {release.number}: {branch_of(name)} is at {release.commit[:8]}"
    lines = [(told, "bold green")]
    if before:  # by its number: what came before a rollback is on hold
        lines.append((f"Take it back: scripts/rollback.py {name} --to {before} --reason TEXT", ""))
    if release.backfills:
        names = few([backfill.pipeline for backfill in release.backfills])
        lines.append((f"To backfill: {names}; see scripts/promote.py backfill {name}", ""))
    return lines
