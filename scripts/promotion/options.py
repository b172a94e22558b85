"""What people ask for at a command line: known without a look at any project, so that `--help` is quick."""

from __future__ import annotations

from dataclasses import dataclass

SMOKE_KINDS = ("local", "kind")  # each proves what those before it prove, and more
# Not the static gate: what cannot load helps nobody. Not people, signatures and standing holds: `main` decides.
SKIPPABLE = ("smoke", "soak", "runs", "freeze", "approvals")


@dataclass(frozen=True)
class Options:
    """What the person asked for beyond source and target; `pipelines` are selectors, none means all."""

    pipelines: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    verify_dependants: bool = False
    release_hold: bool = False
    reason: str = ""
    emergency: tuple[str, ...] = ()  # what to skip
    smoke: str | None = None  # prove all on this kind of place, whatever the policy says
