"""What people ask for at a command line. It does not depend on a project, so that `--help` is quick."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

# The verbs of `promote.py`: no environment may have one of these names.
VERBS = (
    "promote",
    "rehearse",
    "why",
    "explain",
    "approve",
    "apply",
    "finalize",
    "backfill",
    "observe",
    "watch",
    "ratify",
)
SMOKE_KINDS = ("local", "kind")  # each proves what those before it prove, and more
# Not the static gate: code that cannot load is no help. Not promoters, signatures and standing holds: `main`
# decides.
SKIPPABLE = ("smoke", "soak", "runs", "freeze", "approvals")


@dataclass(frozen=True)
class Options:
    """What the person asked for besides source and target; `pipelines` are selectors, and none means all."""

    pipelines: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    verify_dependants: bool = False
    release_hold: bool = False
    reason: str = ""
    emergency: tuple[str, ...] = ()  # what to skip
    smoke: str | None = None  # prove all in this kind of sandbox, whatever the policy says
    new_image: bool = False  # do not insist on the image that the source has recorded

    @property
    def arguments(self) -> str:
        """The arguments that ask a promotion or a rollback for these options."""
        words = [word for name in self.pipelines for word in ("-p", name)]
        words += [word for name in self.exclude for word in ("--exclude", name)]
        words += ["--verify-dependants"] if self.verify_dependants else []
        words += ["--release-hold"] if self.release_hold else []
        words += ["--new-image"] if self.new_image else []
        words += ["--emergency", ",".join(self.emergency)] if self.emergency else []
        words += ["--reason", self.reason] if self.reason else []
        return shlex.join(words)
