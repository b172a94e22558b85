"""A plan as text for people: what somebody reads before the question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from promotion.changes import FileChange, PipelineChange
from promotion.plan import Plan
from promotion.release import Emergency
from promotion.wording import short

_SIGNS = {"added": "+", "changed": "~", "renamed": "»", "removed": "-", "affected": "!"}
_STYLES = {"added": "green", "changed": "yellow", "renamed": "yellow", "removed": "red", "affected": "bold red"}
_FILES_SHOWN = 12


def plan_lines(plan: Plan) -> list[tuple[str, str]]:
    """Return the lines of `plan`, each with its style."""
    request = plan.request
    ends = f"{request.source.endpoint} → {request.target.endpoint}"
    lines = [(f"{request.action.capitalize()} plan  {ends}", "bold")]
    if plan.is_empty:
        return [*lines, (f"Nothing to do: {request.environment.name} already is what it would become.", "green")]
    lines += [("Pipelines", "bold"), *_pipeline_lines(plan)]
    if request.target.current:  # all files of a first release are new
        lines += [("Files", "bold"), *_file_lines(plan.files)]
    lines += [
        (f"Platform       {_change(*plan.platform)}", ""),
        (f"Configuration  {_change(*plan.configuration)}", ""),
        *_database_lines(plan),
    ]
    lines += _needs_lines(plan)
    if plan.schedules:
        lines += [("Schedules", "bold"), *_schedule_lines(plan)]
    lines.append((_gates_line(plan), ""))
    if plan.emergency:
        lines.append((_emergency_line(plan.emergency), "bold red"))
    lines += [(f"Refused        {error.message} [{error.code}]", "red") for error in plan.refusals]
    return [*lines, (_summary(plan), "bold")]


def _pipeline_lines(plan: Plan) -> list[tuple[str, str]]:
    width = max((len(change.name) for change in plan.pipelines), default=0)
    lines = [
        (
            f"  {_SIGNS[change.action]} {change.name:<{width}}  "
            f"{short(change.before):>8} → {short(change.after):<8}  {reason(change)}",
            _STYLES[change.action],
        )
        for change in plan.pipelines
    ]
    unchanged = len(plan.project.pipelines) - sum(change.after is not None for change in plan.pipelines)
    return [*lines, (f"  = {unchanged} unchanged", "dim")] if unchanged else lines


def reason(change: PipelineChange) -> str:
    """Return why a pipeline is in the plan, and what its name does not say."""
    if change.renamed_from:
        return f"renamed from {change.renamed_from}; {change.reason}"
    return f"{change.reason}; its tables stay" if change.action == "removed" else change.reason


def _file_lines(files: Sequence[FileChange]) -> list[tuple[str, str]]:
    lines = []
    for change in files[:_FILES_SHOWN]:
        users = f"  ({', '.join(change.pipelines)})" if len(change.pipelines) > 1 else ""
        lines.append((f"  {_SIGNS[change.action]} {change.path}  {change.reason}{users}", _STYLES[change.action]))
    if len(files) > _FILES_SHOWN:
        lines.append((f"  … and {len(files) - _FILES_SHOWN} more: see --json", "dim"))
    return lines


def _change(before: str | None, after: str) -> str:
    return f"unchanged {short(after)}" if before == after else f"{short(before)} → {short(after)}"


def _database_lines(plan: Plan) -> list[tuple[str, str]]:
    return [
        (f"  {_SIGNS[change.action]} database {change.name}  in the chart's PostgreSQL", _STYLES[change.action])
        for change in plan.databases
    ]


def _needs_lines(plan: Plan) -> list[tuple[str, str]]:
    environment = plan.request.environment
    secrets = ", ".join(f"{name} ({reference})" for name, reference in sorted(environment.secrets.items()))
    databases = ", ".join(environment.databases)
    from_chart = f"; databases {databases}" if databases else ""
    return [(f"Needs          {len(environment.settings)} settings; secrets {secrets or 'none'}{from_chart}", "")]


def _schedule_lines(plan: Plan) -> list[tuple[str, str]]:
    lines = []
    for change in plan.schedules:
        action = "added" if change.before is None else "removed" if change.after is None else "changed"
        what = " → ".join(text for text in (change.before, change.after) if text)
        why = "  moves with its pipeline" if change.renamed_from else ""
        lines.append((f"  {_SIGNS[action]} {change.name}  {what}{why}", _STYLES[action]))
    return lines


def _gates_line(plan: Plan) -> str:
    gates = ", ".join(plan.request.environment.policy.gates)
    if "smoke" not in plan.request.environment.policy.gates:
        return f"Gates due      {gates or 'none'} (smoke: not asked for)"
    reused = f"; evidence reused for {len(plan.evidence)}" if plan.evidence else ""
    due = ", ".join(plan.due) or "nothing new"
    return f"Gates due      {gates} (smoke, {plan.request.smoke}: {due}{reused})"


def _emergency_line(emergency: Emergency) -> str:
    unproven = f"; not proven: {', '.join(emergency.unproven)}" if emergency.unproven else ""
    return f"Emergency      skips {', '.join(emergency.skipped)}{unproven}"


def _summary(plan: Plan) -> str:
    count = Counter(change.action for change in plan.pipelines)
    counts = f"{count['added']} to add, {count['changed']} to change, {count['removed']} to remove"
    counts += f", {count['renamed']} to rename" if count["renamed"] else ""
    files = "1 file" if len(plan.files) == 1 else f"{len(plan.files)} files"
    return f"Plan: {counts}; {count['affected']} more affected; {files}."
