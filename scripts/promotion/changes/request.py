"""What the person asks for, with everything that git says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from promotion.changes.backfills import still_open
from promotion.changes.sides import Side
from promotion.configuration.environment import Environment
from promotion.options import Options
from promotion.record.evidence_record import Closing, Failed, Observed
from promotion.record.release import Backfill, Evidence, Hold


@dataclass(frozen=True)
class Request:
    """Everything that a draft is made from; `configuration` is the side that `environments/<target>/` comes from.

    That is `main` for a promotion and the older release for a rollback. `holds` are those in force, `proven` is
    evidence that came without a release, `runs` are those observed in the source, and `failed` what failed there.
    `by` is known only if the policy asks for it.
    """

    action: str  # promotion | rollback
    source: Side
    target: Side
    configuration: Side
    environment: Environment
    options: Options
    holds: tuple[Hold, ...]
    now: datetime
    remote: str  # its name in this clone
    by: str | None = None  # `Name <email>`
    signing: bool = False  # whether git will sign the release's commit
    proven: tuple[Evidence, ...] = ()
    runs: Mapping[str, Observed] = field(default_factory=dict)
    failed: tuple[Failed, ...] = ()
    closed: tuple[Closing, ...] = ()  # the target's closed backfills

    @property
    def is_promotion(self) -> bool:
        """Whether this is a promotion, not a rollback."""
        return self.action == "promotion"

    def called(self, side: Side) -> str:
        """Return the name of `side` in reasons: its environment; in a rollback, the number of its release."""
        endpoint = side.endpoint
        return endpoint.environment if self.is_promotion else f"release {endpoint.release}"

    def command(self, options: Options) -> str:
        """Return the command for the same request, but with `options`."""
        source, target = self.source.endpoint, self.environment.name
        rollback = f"rollback.py {target} --to {source.release}"
        what = f"promote.py {source.environment} {target}" if self.is_promotion else rollback
        return f"scripts/{what} {options.arguments}".rstrip()

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates that are due: those of the policy, and the smoke gate where an option asks for it."""
        gates = self.environment.policy.gates
        proves = self.options.verify_dependants or self.options.smoke is not None
        return (*gates, "smoke") if proves and "smoke" not in gates else gates

    @property
    def smoke(self) -> str:
        """The kind of evidence that is required."""
        return self.options.smoke or self.environment.policy.smoke

    @property
    def backfills(self) -> tuple[Backfill, ...]:
        """The open backfills of the target."""
        current = self.target.current
        return still_open(current.backfills, self.closed) if current else ()
