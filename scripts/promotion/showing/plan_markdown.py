"""A plan as Markdown: for a pull request. It says the same as the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from basics.wording import short
from promotion.configuration.zone import zone_of
from promotion.planning.plan import Plan
from promotion.showing.markdown import code, code_block, document, folded, table
from promotion.showing.plan_text import (
    approvals,
    asks_for_approvals,
    destination,
    digests,
    gates_due,
    image,
    needs,
    next_runs,
    reason,
    schedule_action,
    skips,
    summary,
    unchanged,
)


def plan_markdown(plan: Plan) -> str:
    """Return `plan` as Markdown."""
    return document(_blocks(plan))


def _blocks(plan: Plan) -> Iterator[str]:
    request = plan.request
    yield f"## {request.action.capitalize()} plan"
    yield f"{code(str(request.source.endpoint))} → {code(str(request.target.endpoint))}"
    if plan.draft.is_empty:
        yield f"Nothing to do: {request.environment.name} would not change."
        return
    yield f"**{summary(plan)}**"
    yield from _refusals(plan)
    yield from _section("Pipelines", ("", "pipeline", "before", "after", "why"), _pipelines(plan))
    if same := unchanged(plan):
        yield f"{same} unchanged."
    if request.target.current:  # all files of a first release are new
        yield from _section("Files", ("", "file", "why", "pipelines"), _files(plan))
    yield table(("", ""), _facts(plan))
    if plan.draft.schedules:
        yield from _section("Schedules", ("", "schedule", "before", "after", ""), _schedules(plan))
        zone = request.environment.policy.zone
        header = ("schedule", f"before, times in {code(zone)}", f"after, times in {code(zone)}", "")
        yield from _section("Next runs", header, _next_runs(plan, zone_of(zone)))


def _section(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        yield f"### {title}"
        yield folded(f"{len(rows)} {title.lower()}", rows, table(header, rows))


def _refusals(plan: Plan) -> Iterator[str]:
    for error in plan.verdict.refusals:
        yield f"**Refused:** {code(error.code)}"
        yield code_block(f"{error.message}\nfix: {error.fix}")


def _pipelines(plan: Plan) -> list[list[str]]:
    return [
        [c.action, code(c.name), code(short(c.before)), code(short(c.after)), code(reason(c))]
        for c in plan.draft.pipelines
    ]


def _files(plan: Plan) -> list[list[str]]:
    return [
        [change.action, code(change.path), code(change.reason), " ".join(map(code, change.pipelines))]
        for change in plan.draft.files
    ]


def _facts(plan: Plan) -> list[list[str]]:
    facts = [["Goes to", destination(plan)]]
    facts += [["Platform", digests(plan.draft.platform)], ["Image", image(plan)]]
    facts.append(["Configuration", digests(plan.draft.configuration)])
    facts += [
        [f"Database {c.action} in the chart's PostgreSQL", f"{c.name}; {c.reason}"] for c in plan.draft.databases
    ]
    facts += [["Needs", needs(plan)], ["Gates due", gates_due(plan)]]
    if asks_for_approvals(plan):
        facts.append(["Approvals", approvals(plan)])
    if plan.verdict.emergency:
        facts.append(["Emergency", skips(plan.verdict.emergency)])
    return [[name, code(value)] for name, value in facts]


def _schedules(plan: Plan) -> list[list[str]]:
    return [
        [
            schedule_action(change),
            code(change.name),
            code(change.before or "—"),
            code(change.after or "—"),
            "moves with its pipeline" if change.renamed_from else "",
        ]
        for change in plan.draft.schedules
    ]


def _next_runs(plan: Plan, zone: tzinfo) -> list[list[str]]:
    return [
        [
            code(change.name),
            code(next_runs(change.forecast.before, zone)),
            code(next_runs(change.forecast.after, zone)),
            f"**starts at once:** {code(change.forecast.at_once)}" if change.forecast.at_once else "",
        ]
        for change in plan.draft.schedules
    ]
