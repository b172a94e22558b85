"""Digests that were rolled back: they stay out until the hold is released, with a reason."""

from __future__ import annotations

from collections.abc import Mapping

from promotion.record.release import Hold, Release


def holds_after_rollback(current: Release, restored: Mapping[str, str | None], reason: str) -> tuple[Hold, ...]:
    """Return the holds after a rollback to the digests `restored` (None: removed).

    A digest that `current` ran instead is on hold from now on; a digest that is restored no longer is.
    """
    kept = [hold for hold in current.holds if restored.get(hold.pipeline) != hold.digest]
    known = {(hold.pipeline, hold.digest) for hold in kept}
    for name, digest in current.digests.items():
        if name in restored and digest != restored[name] and (name, digest) not in known:
            kept.append(Hold(name, digest, current.number, reason))
    return tuple(kept)
