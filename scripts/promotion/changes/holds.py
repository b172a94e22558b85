"""Digests that were rolled back, and stay out until somebody releases the hold with a reason."""

from __future__ import annotations

from collections.abc import Mapping

from promotion.record.release import Hold, Release


def holds_after_rollback(current: Release, restored: Mapping[str, str | None], reason: str) -> tuple[Hold, ...]:
    """Return the holds in force once what `restored` names has its digests (None: is gone) again.

    What `current` ran instead is on hold from now on; what is restored on purpose no longer is.
    """
    kept = [hold for hold in current.holds if restored.get(hold.pipeline) != hold.digest]
    known = {(hold.pipeline, hold.digest) for hold in kept}
    for name, digest in current.digests.items():
        if name in restored and digest != restored[name] and (name, digest) not in known:
            kept.append(Hold(name, digest, current.number, reason))
    return tuple(kept)
