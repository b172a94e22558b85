"""The last line of defence: the paths that a release may hold, whatever computed it."""

from __future__ import annotations

from collections.abc import Iterable

from basics.errors import Finding, GateRefused
from promotion.configuration.environment import FOLDER as ENVIRONMENTS
from promotion.layout import PLATFORM_AND_PROJECT
from promotion.record.release import FILE

_NEVER = {"", ".", "..", ".git"}  # as a folder or a file, in any spelling that some file system takes for the same


def refuse_other_paths(paths: Iterable[str], environment: str) -> None:
    """Raise `GateRefused` with every one of `paths` that no release of `environment` may hold."""
    fix = "nothing was released; see what brought it into the source, and take it out there"
    roots = (f"{ENVIRONMENTS}/{environment}/", *(f"{root}/" for root in PLATFORM_AND_PROJECT))
    findings = [
        Finding(path, None, "path-not-allowed", f"no release of {environment} holds this path", fix)
        for path in paths
        if not _allowed(path, roots)
    ]
    if findings:
        raise GateRefused(
            "path-not-allowed",
            f"the release would hold what is none of {environment}'s business: {findings[0].path}",
            fix=fix,
            findings=findings,
        )


def _allowed(path: str, roots: tuple[str, ...]) -> bool:
    inside = path.startswith(roots) or path in (FILE, *PLATFORM_AND_PROJECT)
    return inside and _NEVER.isdisjoint(path.lower().split("/"))
