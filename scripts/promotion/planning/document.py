"""A plan as one JSON document for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from promotion.changes.forecast import Runs
from promotion.changes.impact import Impact
from promotion.gates.approvals import draft_digest
from promotion.planning.plan import Plan
from promotion.record.release import Endpoint, branch_of


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return `plan` as JSON."""
    draft, verdict, request = plan.draft, plan.verdict, plan.request
    return {
        "action": request.action,
        "source": _endpoint(request.source.endpoint),
        "target": _endpoint(request.target.endpoint),
        "destination": {"remote": request.remote, "branch": branch_of(request.environment.name)},
        "number": draft.number,
        "changes": not draft.is_empty,
        "pipelines": [
            {
                "name": c.name,
                "action": c.action,
                "before": c.before,
                "after": c.after,
                "reason": c.reason,
                "renamed_from": c.renamed_from,
                "impact": {"kind": c.impact.kind, "backfill": _backfill(c.impact)},
            }
            for c in draft.pipelines
        ],
        "files": [
            {"path": c.path, "action": c.action, "reason": c.reason, "pipelines": list(c.pipelines)}
            for c in draft.files
        ],
        "image": {key: value or None for key, value in asdict(draft.image).items()},
        "platform": draft.platform._asdict(),
        "configuration": draft.configuration._asdict(),
        "databases": [asdict(c) for c in draft.databases],
        "schedules": [
            {
                "name": c.name,
                "before": c.before,
                "after": c.after,
                "renamed_from": c.renamed_from,
                "next_before": _times(c.forecast.before),
                "next_after": _times(c.forecast.after),
                "starts_at_once": c.forecast.at_once is not None,
                "starts_at_once_because": c.forecast.at_once,
            }
            for c in draft.schedules
        ],
        "needs": {
            "settings": sorted(request.environment.settings),
            "secrets": dict(request.environment.secrets),
            "databases": list(request.environment.databases),
        },
        "gates": list(request.gates),
        "smoke": {"kind": request.smoke, "due": list(verdict.due), "reused": sorted(draft.evidence)},
        "approvals": {
            "asked": request.environment.policy.approvals,
            "plan": draft_digest(draft),
            "by": list(verdict.approved_by),
        },
        "emergency": verdict.emergency and asdict(verdict.emergency),
        "refusals": [
            {"code": error.code, "message": error.message, "fix": error.fix, "exit_code": error.exit_code}
            for error in verdict.refusals
        ],
    }


def _times(runs: Runs | None) -> list[str] | None:
    return None if runs is None else [time.isoformat() for time in runs.times]


def _backfill(impact: Impact) -> dict[str, Any] | None:
    """Return the days to backfill without their end, the day of the release: a kept plan stays true tomorrow."""
    if impact.start is None:
        return None
    return {"start": impact.start.isoformat(), "days": impact.days, "readers": list(impact.readers)}


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {"environment": endpoint.environment, "release": endpoint.release, "commit": endpoint.commit}
