"""The gates that run something: Mage's own loaders, and the smoke tests that are due."""

from __future__ import annotations

from collections.abc import Mapping

from promotion.planning.plan import Plan
from promotion.record.release import Evidence


def prove(plan: Plan) -> Mapping[str, Evidence]:
    """Run the gates that are due and return their evidence; raise what they raise."""
    if "static" in plan.request.gates:
        _load(plan)
    if not plan.verdict.due:
        return {}
    from promotion.smoke.smoke_gate import smoke  # loads the database driver, which only this gate needs

    return smoke(plan)


def _load(plan: Plan) -> None:
    """Let Mage load changed pipelines, except those with a smoke test, due or passed: loading takes seconds."""
    from promotion.gates.mage_gate import refuse_what_mage_cannot_load

    smoked = {*plan.verdict.due, *plan.draft.evidence}
    changed = [change.name for change in plan.draft.pipelines if change.after is not None]
    refuse_what_mage_cannot_load(plan.draft.project, [name for name in changed if name not in smoked])
