"""Digests that were rolled back, and stay out until somebody releases the hold with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from promotion.release import Hold, Release


def holds_after_rollback(
    current: Release, restored: Mapping[str, str], pipelines: Iterable[str], reason: str
) -> tuple[Hold, ...]:
    """Return the holds in force once `pipelines` of `current` have the digests `restored` again.

    What `current` ran is on hold from now on; what is restored on purpose no longer is.
    """
    kept = [hold for hold in current.holds if restored.get(hold.pipeline) != hold.digest]
    known = {(hold.pipeline, hold.digest) for hold in kept}
    for name in pipelines:
        digest = current.pipelines[name].digest if name in current.pipelines else None
        if digest and digest != restored.get(name) and (name, digest) not in known:
            kept.append(Hold(name, digest, current.number, reason))
    return tuple(kept)
