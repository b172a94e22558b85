"""What `--emergency` skips by name, and until when a skipped check is reported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from promotion.options import SKIPPABLE
from promotion.record.evidence import accepted
from promotion.record.release import Emergency, Entry, Evidence


def open_emergencies(
    history: Sequence[Entry], ratified: Collection[int], ever_proven: Callable[[], Iterable[Evidence]]
) -> list[Entry]:
    """Return the releases whose skipped checks are neither ratified nor passed since, newest first.

    `ratified` are numbers of releases; `ever_proven` reads all evidence that came without a release. This takes
    long, and is called only where a release skipped just the smoke test: then evidence is enough.
    """
    return [
        entry
        for entry in history
        if entry.emergency
        and entry.number not in ratified
        and not (entry.emergency.skipped == ("smoke",) and _proven(entry.emergency, history, ever_proven))
    ]


def _proven(emergency: Emergency, history: Sequence[Entry], ever_proven: Callable[[], Iterable[Evidence]]) -> bool:
    released_with = [evidence for entry in history for evidence in entry.proven]
    known = accepted([*released_with, *ever_proven()], emergency.kind)
    return set(emergency.unproven.values()) <= set(known)


def emergency_of(
    asked: Sequence[str], refusing: Collection[str], kind: str, unproven: Mapping[str, str]
) -> Emergency | None:
    """Return which of the checks in `asked` a release skips: those that would have refused it, or were due."""
    needed = {*refusing, "smoke"} if unproven else {*refusing}
    skipped = tuple(name for name in SKIPPABLE if name in asked and name in needed)
    return Emergency(skipped, kind, unproven) if skipped else None


def told(entry: Entry) -> str:
    """Return in one line what an emergency release skipped, and who decided it."""
    skipped = ", ".join(entry.emergency.skipped) if entry.emergency else ""
    return f"release {entry.number} skipped {skipped}, by {entry.by}: {entry.reason}"
