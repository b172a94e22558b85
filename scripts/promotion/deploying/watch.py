"""Which of the troubles in a cluster stay: each is told when it is first seen."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from basics import progress
from promotion.cluster.troubles import Trouble

# An image that cannot be pulled may be a short failure of the registry. What is final is known within 30 s.
PATIENCE = 20.0
OLD_PATIENCE = 120.0  # for what was in trouble before: helm may be about to replace it


@dataclass
class Watch:
    """What has been wrong since when, by the object's uid; `before` are those that were wrong at the start."""

    before: Collection[str] = ()
    seen: dict[str, tuple[float, float]] = field(default_factory=dict)  # the first and the last time, in seconds

    def look(self, found: Sequence[Trouble]) -> Trouble | None:
        """Take in what is wrong now; return what has been wrong for too long, and cannot heal."""
        now = time.monotonic()
        for trouble in found:
            first, last = self.seen.get(trouble.uid, (now, None))
            if last is None or now - last >= PATIENCE:  # it is new, or was well for a while
                first = now
                progress.say(f"  {trouble}", "yellow")
            self.seen[trouble.uid] = first, now
        return next((trouble for trouble in found if self._lasts(trouble.uid) and not trouble.may_heal), None)

    def _lasts(self, uid: str) -> bool:
        first, last = self.seen[uid]
        return last - first >= (OLD_PATIENCE if uid in self.before else PATIENCE)

    def cause(self, found: Sequence[Trouble], otherwise: str) -> str:
        """Return why something failed: what is wrong since the start, or else `otherwise`, and what was before."""
        new = [trouble for trouble in found if trouble.uid not in self.before]
        if new or not found:
            return str(new[0]) if new else otherwise
        return f"{otherwise} ({found[0]})"
