"""The last line of defence: the paths that a release may hold, checked in its commit."""

from __future__ import annotations

from collections.abc import Iterable

from basics.errors import Finding, GateRefused
from promotion.layout import ENVIRONMENTS, PLATFORM_AND_PROJECT
from promotion.record.release import FILE

_NEVER = {"", ".", "..", ".git"}  # of a folder or a file, in any case: some file systems ignore it


def refuse_other_paths(paths: Iterable[str], environment: str) -> None:
    """Raise `GateRefused` with each of `paths` that a release of `environment` may not hold."""
    fix = "nothing was released; find out how the path came into the source, and remove it there"
    roots = (f"{ENVIRONMENTS}/{environment}/", *(f"{root}/" for root in PLATFORM_AND_PROJECT))
    findings = [
        Finding(path, None, "path-not-allowed", f"a release of {environment} may not hold this path", fix)
        for path in paths
        if not _allowed(path, roots)
    ]
    if findings:
        raise GateRefused(
            "path-not-allowed",
            f"the release would hold a path that does not belong to {environment}: {findings[0].path}",
            fix=fix,
            findings=findings,
        )


def _allowed(path: str, roots: tuple[str, ...]) -> bool:
    inside = path.startswith(roots) or path in (FILE, *PLATFORM_AND_PROJECT)
    return inside and _NEVER.isdisjoint(path.lower().split("/"))
