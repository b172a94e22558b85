"""Findings as people read them: by kind, the kinds that hide others first, the same mend said once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from basics.errors import Finding
from basics.wording import counted
from promotion.showing.result import Lines

_MOST = 12  # so many findings are shown whole
_OF_A_KIND = 3  # of more, so many of each kind
# As long as one of these is there, other checks cannot see what is behind it.
_HIDE_OTHERS = {
    "block-file-missing",
    "duplicate-key",
    "file-missing",
    "import-missing",
    "malformed-key",
    "malformed-yaml",
    "not-utf8",
    "pipeline-without-metadata",
    "syntax-error",
}
_LEAKS = "secret-in-clear"


def finding_lines(findings: Sequence[Finding], *, everything: bool = True) -> Lines:
    """Return the lines for `findings`: where and what, and after those with the same mend that mend.

    Of very many, the first of each kind are shown and the others counted, unless `everything` is asked for.
    """
    if everything or len(findings) <= _MOST:
        return [line for kind in _kinds(findings) for line in _whole(kind)]
    lines: list[tuple[str, str]] = []
    for kind in _kinds(findings):
        files = len({finding.path for finding in kind})
        lines.append((f"  {kind[0].code}: {counted(len(kind), 'finding')} in {counted(files, 'file')}", "bold"))
        lines += _whole(_examples(kind))
        if len(kind) > _OF_A_KIND:
            lines.append((f"      … and {len(kind) - _OF_A_KIND} more", ""))
    return [*lines, ("  These are the first of each kind; --json has every one.", "")]


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON."""
    return {
        "path": finding.path,
        "line": finding.line,
        "code": finding.code,
        "problem": finding.problem,
        "fix": finding.fix,
        "environments": list(finding.environments),
    }


def _examples(kind: Sequence[Finding]) -> list[Finding]:
    """Return some findings of a kind, with as many mends as possible."""
    first = {finding.fix: finding for finding in reversed(kind)}
    chosen = [*list(first.values())[::-1], *(finding for finding in kind if finding not in first.values())]
    return sorted(chosen[:_OF_A_KIND], key=kind.index)


def _kinds(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Return `findings` by their code, the first things first; of a kind, those with the same mend together."""
    by_code: dict[str, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for finding in findings:
        by_code[finding.code][finding.fix].append(finding)
    kinds = [[finding for alike in by_fix.values() for finding in alike] for by_fix in by_code.values()]
    return sorted(kinds, key=lambda kind: (_rank(kind[0].code), -len(kind)))


def _rank(code: str) -> int:
    return 0 if code in _HIDE_OTHERS else 1 if code == _LEAKS else 2


def _whole(findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    for number, finding in enumerate(findings, start=1):
        where = f" ({', '.join(finding.environments)})" if finding.environments else ""
        yield f"  {finding.where}: {finding.problem}{where} [{finding.code}]", "red"
        if number == len(findings) or findings[number].fix != finding.fix:
            yield f"      fix: {finding.fix}", ""
