"""Soak time: how long the promoted digests have been running in the source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from basics.wording import short
from promotion.changes.draft import Draft
from promotion.record.release import PLATFORM, Release


@dataclass(frozen=True)
class Soaking:
    """A pipeline (or the platform) that has not run long enough; `over` is None if the source does not run it."""

    name: str
    digest: str
    over: datetime | None

    def __str__(self) -> str:
        end = f"until {self.over:%Y-%m-%d %H:%M} UTC" if self.over else "the source does not run it"
        return f"{self.name} {short(self.digest)} ({end})"


def still_soaking(draft: Draft) -> Iterator[Soaking]:
    """Yield what would change and has run for less than the policy's hours, as the source's releases say."""
    request = draft.request
    hours = timedelta(hours=request.environment.policy.soak)
    for name, digest in _brought(draft) if hours else ():
        since = running_since(request.source.releases, name, digest)
        over = since.at + hours if since else None
        if over is None or request.now < over:
            yield Soaking(name, digest, over)


def _brought(draft: Draft) -> Iterator[tuple[str, str]]:
    yield from ((change.name, change.after) for change in draft.pipelines if change.after)
    before, after, _ = draft.platform
    if draft.selected is None and before != after:  # a selection does not take the platform
        yield PLATFORM, after


def running_since(releases: Sequence[Release], name: str, digest: str) -> Release | None:
    """Return the release since which `digest` runs; None if it does not run now."""
    since = None
    for release in releases:  # newest first
        if release.digests.get(name) != digest:
            break
        since = release
    return since
