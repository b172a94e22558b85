"""All that commands print on stdout: text or Markdown for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from basics.errors import Finding, PromotionError
from basics.terminal import Terminal, end_unread
from basics.wording import few

if TYPE_CHECKING:  # `--help` does without
    from promotion.planning.plan import Plan
    from promotion.record.release import Release
    from promotion.releasing.pull_request import PullRequest


class Report:
    """Prints results: as text (or a plan as Markdown) at once, as JSON in one document when the command ends."""

    def __init__(self, *, as_json: bool, as_markdown: bool = False) -> None:
        self.as_json = as_json
        self.as_markdown = as_markdown
        self._document: dict[str, Any] = {}
        self._console = Terminal()
        self._errors = Terminal(stderr=True)

    def plan(self, plan: Plan) -> None:
        """Show what would be done."""
        from promotion.planning.document import plan_document
        from promotion.showing.plan_markdown import plan_markdown
        from promotion.showing.plan_text import plan_lines

        if self.as_json:
            self._document["plan"] = plan_document(plan)
        if self.as_markdown:
            self._lines([(plan_markdown(plan).removesuffix("\n"), "")])
        else:
            self._lines(plan_lines(plan))

    def release(self, release: Release) -> None:
        """Show what was done, and how to take it back."""
        from promotion.record.release import branch_of

        self._document["release"] = {
            "environment": release.environment,
            "number": release.number,
            "commit": release.commit,
            "image": release.image,
        }
        name, before = release.environment, release.number - 1
        told = f"Released {name} {release.number}: {branch_of(name)} is at {release.commit[:8]}"
        lines = [(told, "bold green")]
        if before:  # by its number: what came before a rollback is on hold
            lines.append((f"Take it back: scripts/rollback.py {name} --to {before} --reason TEXT", ""))
        if release.backfills:
            names = few([backfill.pipeline for backfill in release.backfills])
            lines.append((f"To backfill: {names}; see scripts/promote.py backfill {name}", ""))
        self._lines(lines)

    def pull_request(self, request: PullRequest) -> None:
        """Show what to open a pull request with."""
        self._document["pull_request"] = asdict(request)
        environment = request.base.split("/")[1]
        replaced = f", in the place of {request.replaces[:8]}" if request.replaces else ""
        pushed = f"Pushed {request.branch} ({request.commit[:8]}){replaced}: open a pull request to {request.base}"
        self._lines(
            [
                (pushed, "bold green"),
                (f"After the merge: scripts/promote.py finalize {environment}", ""),
                ("", ""),
                (request.title, "bold"),
                ("", ""),
                (request.body.removesuffix("\n"), ""),
            ]
        )

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
        self._errors.print(f"error[{error.code}]: {error.message}", "bold red")
        for text, style in finding_lines(error.findings):
            self._errors.print(text, style)
        if error.fix:
            self._errors.print(f"  fix: {error.fix}")

    def close(self) -> None:
        """Print the JSON document, where one is asked for, and whatever else still waits."""
        try:
            if self.as_json:
                from promotion.record.release import FORMAT_VERSION

                document = {"format_version": FORMAT_VERSION, **self._document}
                print(json.dumps(document, indent=2, ensure_ascii=False, default=str))
            sys.stdout.flush()
        except BrokenPipeError:
            end_unread()

    def _lines(self, lines: Sequence[tuple[str, str]]) -> None:
        if not self.as_json:
            for text, style in lines:
                self._console.print(text, style)


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
