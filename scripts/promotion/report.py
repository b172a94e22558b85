"""All that commands print on stdout: one text for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.text import Text

from promotion.changes import FileChange
from promotion.errors import Finding, PromotionError
from promotion.plan import Plan
from promotion.release import FORMAT_VERSION, Release, branch_of
from promotion.story import Terminal, end_unread

_SIGNS = {"added": "+", "changed": "~", "removed": "-", "affected": "!"}
_STYLES = {"added": "green", "changed": "yellow", "removed": "red", "affected": "bold red"}
_FILES_SHOWN = 12


def short(digest: str | None) -> str:
    """Return the first eight characters of a digest, as tables show it."""
    return digest.removeprefix("sha256:")[:8] if digest else "—"


def age(then: datetime | None, now: datetime) -> str:
    """Return how long ago `then` was, in its largest unit."""
    if then is None:
        return ""
    seconds = int((now - then).total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{max(seconds, 0)}s"


class Report:
    """Prints results: as text at once, as JSON in one document when the command ends."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._document: dict[str, Any] = {"format_version": FORMAT_VERSION}
        self._console = Terminal()
        self._errors = Terminal(stderr=True)

    def plan(self, plan: Plan) -> None:
        """Show what would be done."""
        self._document["plan"] = plan_document(plan)
        self._lines(_plan_lines(plan))

    def release(self, release: Release) -> None:
        """Show what was done, and how to take it back."""
        self._document["release"] = {
            "environment": release.environment,
            "number": release.number,
            "commit": release.commit,
            "image": release.image,
        }
        branch = branch_of(release.environment)
        self._lines(
            [
                (
                    f"Released {release.environment} {release.number}: {branch} is at {release.commit[:8]}",
                    "bold green",
                )
            ]
        )
        if release.number > 1:
            self._lines([(f"Take it back: scripts/rollback.py {release.environment} --reason TEXT", "")])

    def result(self, key: str, document: Any, lines: Sequence[tuple[str, str]]) -> None:
        """Show a result of another shape: `document` for programs, `lines` (text, style) for people."""
        self._document[key] = document
        self._lines(lines)

    def error(self, error: PromotionError) -> None:
        """Show a refusal: on stderr, and in the JSON document."""
        self._document["error"] = {
            "code": error.code,
            "message": error.message,
            "fix": error.fix,
            "exit_code": error.exit_code,
            "findings": [finding_document(finding) for finding in error.findings],
        }
        self._errors.print(Text(f"error[{error.code}]: {error.message}", "bold red"))
        for text, style in finding_lines(error.findings):
            self._errors.print(Text(text, style))
        if error.fix:
            self._errors.print(Text(f"  fix: {error.fix}"))

    def close(self) -> None:
        """Print the JSON document, where one is asked for, and whatever else still waits."""
        try:
            if self.as_json:
                print(json.dumps(self._document, indent=2, ensure_ascii=False, default=str))
            sys.stdout.flush()
        except BrokenPipeError:
            end_unread()

    def _lines(self, lines: Sequence[tuple[str, str]]) -> None:
        if not self.as_json:
            for text, style in lines:
                self._console.print(Text(text, style))


def finding_lines(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Return two lines per finding: where and what, then the fix."""
    lines = []
    for finding in findings:
        lines.append((f"  {finding.place}: {finding.problem} [{finding.code}]", "red"))
        lines.append((f"      fix: {finding.fix}", ""))
    return lines


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON."""
    return {
        "path": finding.path,
        "line": finding.line,
        "code": finding.code,
        "problem": finding.problem,
        "fix": finding.fix,
    }


def _plan_lines(plan: Plan) -> list[tuple[str, str]]:
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
    return [*lines, (_summary(plan), "bold")]


def _pipeline_lines(plan: Plan) -> list[tuple[str, str]]:
    width = max((len(change.name) for change in plan.pipelines), default=0)
    lines = [
        (
            f"  {_SIGNS[change.action]} {change.name:<{width}}  "
            f"{short(change.before):>8} → {short(change.after):<8}  {change.reason}",
            _STYLES[change.action],
        )
        for change in plan.pipelines
    ]
    unchanged = len(plan.project.pipelines) - sum(change.after is not None for change in plan.pipelines)
    return [*lines, (f"  = {unchanged} unchanged", "dim")] if unchanged else lines


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
        lines.append((f"  {_SIGNS[action]} {change.name}  {what}", _STYLES[action]))
    return lines


def _gates_line(plan: Plan) -> str:
    gates = ", ".join(plan.request.environment.policy.gates)
    if "smoke" not in plan.request.environment.policy.gates:
        return f"Gates due      {gates or 'none'} (smoke: not asked for)"
    reused = f"; evidence reused for {len(plan.evidence)}" if plan.evidence else ""
    return f"Gates due      {gates} (smoke: {', '.join(plan.due) or 'nothing new'}{reused})"


def _summary(plan: Plan) -> str:
    count = Counter(change.action for change in plan.pipelines)
    counts = f"{count['added']} to add, {count['changed']} to change, {count['removed']} to remove"
    files = "1 file" if len(plan.files) == 1 else f"{len(plan.files)} files"
    return f"Plan: {counts}; {count['affected']} more affected; {files}."


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON."""
    request = plan.request
    return {
        "action": request.action,
        "source": _endpoint(request.source.endpoint),
        "target": _endpoint(request.target.endpoint),
        "number": plan.number,
        "changes": not plan.is_empty,
        "pipelines": [
            {"name": c.name, "action": c.action, "before": c.before, "after": c.after, "reason": c.reason}
            for c in plan.pipelines
        ],
        "files": [
            {"path": c.path, "action": c.action, "reason": c.reason, "pipelines": list(c.pipelines)}
            for c in plan.files
        ],
        "platform": {"before": plan.platform[0], "after": plan.platform[1]},
        "configuration": {"before": plan.configuration[0], "after": plan.configuration[1]},
        "databases": [{"name": c.name, "action": c.action} for c in plan.databases],
        "schedules": [{"name": c.name, "before": c.before, "after": c.after} for c in plan.schedules],
        "needs": {
            "settings": sorted(request.environment.settings),
            "secrets": dict(request.environment.secrets),
            "databases": list(request.environment.databases),
        },
        "gates": list(request.environment.policy.gates),
        "smoke": {"due": list(plan.due), "reused": sorted(plan.evidence)},
        "refusals": [{"code": error.code, "message": error.message, "fix": error.fix} for error in plan.refusals],
    }


def _endpoint(endpoint: Any) -> dict[str, Any]:
    return {"environment": endpoint.environment, "release": endpoint.release, "commit": endpoint.commit}
