"""A plan as text for people, who read it before the question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import tzinfo

from basics.wording import counted, few, short
from promotion.changes.differences import DigestChange, FileChange, PipelineChange, ScheduleChange
from promotion.changes.forecast import Forecast, Runs
from promotion.configuration.zone import zone_of
from promotion.gates.policy_gate import approvals_of
from promotion.layout import REGISTRY
from promotion.planning.plan import Plan
from promotion.record.release import Emergency, branch_of

_SIGNS = {"added": "+", "changed": "~", "renamed": "»", "removed": "-", "affected": "!"}
_STYLES = {"added": "green", "changed": "yellow", "renamed": "yellow", "removed": "red", "affected": "bold red"}
_FILES_SHOWN = 12
_SCHEDULES_SHOWN = 12  # and all schedules that start at once
_ROWS_SHOWN = 40  # pipelines; if there are more, only the first ones of each action
_OF_EACH = 8


def plan_lines(plan: Plan) -> list[tuple[str, str]]:
    """Return the lines of `plan`, each with its style."""
    request = plan.request
    ends = f"{request.source.endpoint} → {request.target.endpoint}"
    lines = [(f"{request.action.capitalize()} plan  {ends}", "bold")]
    if plan.draft.is_empty:
        return [*lines, (f"Nothing to do: {request.environment.name} would not change.", "green")]
    lines += [(f"Goes to        {destination(plan)}", ""), ("Pipelines", "bold"), *_pipeline_lines(plan)]
    if request.target.current:  # all files of a first release are new
        lines += [("Files", "bold"), *_file_lines(plan.draft.files)]
    lines += [
        (f"Platform       {digests(plan.draft.platform)}", ""),
        (f"Image          {image(plan)}", ""),
        (f"Configuration  {digests(plan.draft.configuration)}", ""),
        *_database_lines(plan),
    ]
    lines.append((f"Needs          {needs(plan)}", ""))
    if plan.draft.schedules:
        lines += [(f"Schedules      times in {request.environment.policy.zone}", "bold"), *_schedule_lines(plan)]
    lines.append((f"Gates due      {gates_due(plan)}", ""))
    if asks_for_approvals(plan):
        lines.append((f"Approvals      {approvals(plan)}", ""))
    if plan.verdict.emergency:
        lines.append((f"Emergency      {skips(plan.verdict.emergency)}", "bold red"))
    lines += [(f"Refused        {error.message} [{error.code}]", "red") for error in plan.verdict.refusals]
    return [*lines, (summary(plan), "bold")]


def destination(plan: Plan) -> str:
    """Return the branch that gets the release, and its remote."""
    return f"{branch_of(plan.request.environment.name)} on {plan.request.remote}"


def _pipeline_lines(plan: Plan) -> list[tuple[str, str]]:
    shown = _shown(plan.draft.pipelines)
    width = max((len(change.name) for change in shown), default=0)
    lines = [
        (
            f"  {_SIGNS[change.action]} {change.name:<{width}}  "
            f"{short(change.before):>8} → {short(change.after):<8}  {reason(change)}",
            _STYLES[change.action],
        )
        for change in shown
    ]
    if more := len(plan.draft.pipelines) - len(shown):
        lines.append((f"  … and {more} more: see --json", "dim"))
    same = unchanged(plan)
    return [*lines, (f"  = {same} unchanged", "dim")] if same else lines


def _shown(changes: Sequence[PipelineChange]) -> Sequence[PipelineChange]:
    """Return the rows that fit on one screen."""
    if len(changes) <= _ROWS_SHOWN:
        return changes
    seen: Counter[str] = Counter()
    shown = []
    for change in changes:
        seen[change.action] += 1
        if seen[change.action] <= _OF_EACH:
            shown.append(change)
    return shown


def unchanged(plan: Plan) -> int:
    """Return how many pipelines do not change."""
    return len(plan.draft.project.pipelines) - sum(change.after is not None for change in plan.draft.pipelines)


def reason(change: PipelineChange) -> str:
    """Return the old name of a pipeline, why it is in the plan, and what happens to its data."""
    before = f"renamed from {change.renamed_from}; " if change.renamed_from else ""
    data = "its tables stay" if change.action == "removed" else change.impact
    return f"{before}{change.reason}; {data}"


def _file_lines(files: Sequence[FileChange]) -> list[tuple[str, str]]:
    lines = []
    for change in files[:_FILES_SHOWN]:
        users = f"  ({few(change.pipelines)})" if len(change.pipelines) > 1 else ""
        lines.append((f"  {_SIGNS[change.action]} {change.path}  {change.reason}{users}", _STYLES[change.action]))
    if len(files) > _FILES_SHOWN:
        lines.append((f"  … and {len(files) - _FILES_SHOWN} more: see --json", "dim"))
    return lines


def digests(change: DigestChange) -> str:
    """Return how a digest changes, and why."""
    before, after, reason = change
    told = f"unchanged {short(after)}" if before == after else f"{short(before)} → {short(after)}"
    return f"{told}  {reason}"


def image(plan: Plan) -> str:
    """Return which image the release names, and whether it is built for it."""
    known, registry = plan.draft.image, plan.request.environment.registry
    if known.digest:
        return f"{known.tag}  {short(known.digest)}, as recorded: nothing is built"
    if registry is None:
        return f"{known.tag}  only named, not pushed: {REGISTRY} states no repository"
    return f"{known.tag}  goes to {registry.repository}, built if it is not there"


def _database_lines(plan: Plan) -> list[tuple[str, str]]:
    return [
        (
            f"  {_SIGNS[change.action]} database {change.name}  in the chart's PostgreSQL; {change.reason}",
            _STYLES[change.action],
        )
        for change in plan.draft.databases
    ]


def needs(plan: Plan) -> str:
    """Return what the environment supplies."""
    environment = plan.request.environment
    secrets = ", ".join(f"{name} ({reference})" for name, reference in sorted(environment.secrets.items()))
    databases = ", ".join(environment.databases)
    from_chart = f"; databases {databases}" if databases else ""
    return f"{counted(len(environment.settings), 'setting')}; secrets {secrets or 'none'}{from_chart}"


def _schedule_lines(plan: Plan) -> list[tuple[str, str]]:
    zone = zone_of(plan.request.environment.policy.zone)
    lines = []
    shown = [c for n, c in enumerate(plan.draft.schedules) if n < _SCHEDULES_SHOWN or c.forecast.at_once]
    for change in shown:
        action = schedule_action(change)
        what = " → ".join(text for text in (change.before, change.after) if text)
        why = "  moves with its pipeline" if change.renamed_from else ""
        lines.append((f"  {_SIGNS[action]} {change.name}  {what}{why}", _STYLES[action]))
        lines += _forecast_lines(change.forecast, zone)
    if more := len(plan.draft.schedules) - len(shown):
        lines.append((f"  … and {more} more: see --json", "dim"))
    return lines


def _forecast_lines(forecast: Forecast, zone: tzinfo) -> Iterator[tuple[str, str]]:
    if forecast.before == forecast.after:
        yield f"      as before  {next_runs(forecast.after, zone)}", "dim"
    else:
        rows = (("before", forecast.before), ("after", forecast.after))
        yield from ((f"      {label:<9}  {next_runs(runs, zone)}", "dim") for label, runs in rows if runs)
    if forecast.at_once:
        yield f"      starts at once: {forecast.at_once}", "bold red"


def next_runs(runs: Runs | None, zone: tzinfo) -> str:
    """Return the next runs of a trigger, with the name of their `zone`: each year one hour comes twice."""
    if runs is None:
        return "—"
    told = [f"{time.astimezone(zone):%a %Y-%m-%d %H:%M %Z}" for time in runs.times]
    return ("to end by " if runs.lands else "") + ", ".join([*told, *filter(None, [runs.otherwise])])


def schedule_action(change: ScheduleChange) -> str:
    """Return what happens to a schedule."""
    return "added" if change.before is None else "removed" if change.after is None else "changed"


def gates_due(plan: Plan) -> str:
    """Return the gates that the release must pass, and what a smoke test must still prove."""
    gates = ", ".join(plan.request.gates)
    if "smoke" not in plan.request.gates:
        return f"{gates or 'none'} (smoke: not required)"
    reused = f"; evidence reused for {len(plan.draft.evidence)}" if plan.draft.evidence else ""
    skipped = plan.verdict.emergency is not None and "smoke" in plan.verdict.emergency.skipped
    due = few(plan.verdict.due) or ("skipped" if skipped else "nothing new")
    return f"{gates} (smoke, {plan.request.smoke}: {due}{reused})"


def asks_for_approvals(plan: Plan) -> bool:
    """Tell whether others must approve the plan."""
    return plan.request.action == "promotion" and plan.request.environment.policy.approvals > 0


def approvals(plan: Plan) -> str:
    """Return how many of the required approvals the plan has, and who gave them."""
    return approvals_of(plan.request.environment.policy.approvals, plan.verdict.approved_by)


def skips(emergency: Emergency) -> str:
    """Return what an emergency skips."""
    unproven = f"; not proven: {few(list(emergency.unproven))}" if emergency.unproven else ""
    return f"skips {', '.join(emergency.skipped)}{unproven}"


def summary(plan: Plan) -> str:
    """Return how much the plan does."""
    count = Counter(change.action for change in plan.draft.pipelines)
    counts = f"{count['added']} to add, {count['changed']} to change, {count['removed']} to remove"
    counts += f", {count['renamed']} to rename" if count["renamed"] else ""
    files = counted(len(plan.draft.files), "file")
    return f"Plan: {counts}; {count['affected']} more affected; {files}."
