"""What somebody asks for, with all that git says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from promotion.changes.backfills import still_open
from promotion.changes.sides import Side
from promotion.configuration.environment import Environment
from promotion.options import Options
from promotion.record.evidence_record import Closing, Observed
from promotion.record.release import Backfill, Evidence, Hold


@dataclass(frozen=True)
class Request:
    """All that a draft is made from; `configuration` is where `environments/<target>/` is taken from.

    That is `main` for a promotion and the older release for a rollback; `holds` are those in force, `proven` is
    what was proven without a release, `runs` what was observed in the source. Who asks is known as far as the
    policy wants to know it.
    """

    action: str  # promotion | rollback
    source: Side
    target: Side
    configuration: Side
    environment: Environment
    options: Options
    holds: tuple[Hold, ...]
    now: datetime
    by: str | None = None  # `Name <email>`
    signing: bool = False  # whether the release will be a signed commit
    proven: tuple[Evidence, ...] = ()
    runs: Mapping[str, Observed] = field(default_factory=dict)
    closed: tuple[Closing, ...] = ()  # the target's backfills that need no more doing

    @property
    def is_promotion(self) -> bool:
        """Whether something new comes, and nothing old comes back."""
        return self.action == "promotion"

    def called(self, side: Side) -> str:
        """Return what reasons call `side`: to a rollback, all that it reads is a release of the target."""
        endpoint = side.endpoint
        return endpoint.environment if self.is_promotion else f"release {endpoint.release}"

    def command(self, options: Options) -> str:
        """Return what somebody types who wants the same, but with `options`."""
        source, target = self.source.endpoint, self.environment.name
        rollback = f"rollback.py {target} --to {source.release}"
        what = f"promote.py {source.environment} {target}" if self.is_promotion else rollback
        return f"scripts/{what} {options.arguments}".rstrip()

    @property
    def gates(self) -> tuple[str, ...]:
        """Those that are due: the policy's, and the smoke gate where others have to be proven on a shared file."""
        gates = self.environment.policy.gates
        proves = self.options.verify_dependants or self.options.smoke is not None
        return (*gates, "smoke") if proves and "smoke" not in gates else gates

    @property
    def smoke(self) -> str:
        """The kind of evidence that is asked for."""
        return self.options.smoke or self.environment.policy.smoke

    @property
    def backfills(self) -> tuple[Backfill, ...]:
        """Those of the target that are open now."""
        current = self.target.current
        return still_open(current.backfills, self.closed) if current else ()
