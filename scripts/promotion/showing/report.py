"""All that commands print on stdout: text or Markdown for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from typing import Any

from basics.errors import PromotionError
from basics.terminal import Terminal, end_unread
from promotion.showing.findings import finding_document, finding_lines
from promotion.showing.result import Result


class Report:
    """Prints results: text at once, JSON as one document when the command ends."""

    def __init__(self, *, as_json: bool, as_markdown: bool = False, everything: bool = False) -> None:
        self._as_json = as_json
        self._as_markdown = as_markdown
        self._everything = everything
        self._document: dict[str, Any] = {}
        self._console = Terminal()
        self._errors = Terminal(stderr=True)

    def show(self, result: Result) -> None:
        """Show a result in the form that the person chose."""
        if self._as_json:
            self._document[result.key] = result.document
        elif self._as_markdown and result.markdown is not None:
            self._console.print(result.markdown.removesuffix("\n"))
        else:
            for text, style in result.lines:
                self._console.print(text, style)

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
        for text, style in finding_lines(error.findings, everything=self._everything):
            self._errors.print(text, style)
        if error.fix:
            for line in f"  fix: {error.fix}".split("\n"):
                self._errors.print(line)

    def close(self) -> None:
        """Print the JSON document, if there is one, and flush stdout."""
        try:
            if self._as_json:
                from promotion.record.release import FORMAT_VERSION  # loads YAML, which --help does not need

                document = {"format_version": FORMAT_VERSION, **self._document}
                print(json.dumps(document, indent=2, ensure_ascii=False, default=str))
            sys.stdout.flush()
        except BrokenPipeError:
            end_unread()
