"""Pages that show what commands print: type the commands of a page, one after the other, and compare.

Ids, digests and addresses become stand-ins (equal ones stay equal). Moments and durations become dots and zeros,
and so does the number of all files of a release.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from helpers import run_at_most

REWRITE = "REWRITE_TRANSCRIPT"

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PROMPT = "$ "
_SECONDS = 60


def typed(block: str) -> list[str]:
    """Return the commands of a block."""
    return [line.removeprefix(_PROMPT) for line in block.splitlines() if line.startswith(_PROMPT)]


class Terminal:
    """Where commands are typed; it keeps its folder from one to the next."""

    def __init__(
        self, folder: Path, variables: Mapping[str, str], *, seconds: float = _SECONDS, errors_only: bool = False
    ) -> None:
        """Open it in `folder`; a command may take so many seconds. With `errors_only` no progress is shown."""
        self._folder = folder
        self._variables = variables
        self._seconds = seconds
        self._errors_only = errors_only

    def type(self, command: str) -> Iterator[str]:
        """Run `command` and yield what the terminal then shows."""
        yield f"{_PROMPT}{command}"
        if command.startswith("cd "):
            self._folder /= command.removeprefix("cd ")
            return
        result = run_at_most(self._seconds, ["bash", "-c", command], self._folder, **self._variables)
        yield from result.stdout.rstrip().splitlines()
        yield from self._of_progress(result.stderr.splitlines())
        if result.exit_code:
            yield f"exit code {result.exit_code}"

    def _of_progress(self, lines: Sequence[str]) -> Iterator[str]:
        """Yield what is worth to show: no step, as it tells its seconds."""
        error = next((number for number, line in enumerate(lines) if line.startswith("error[")), len(lines))
        yield from (line for line in lines[error if self._errors_only else 0 :] if not line.startswith("✓ "))


class StandIns:
    """Ids that are the same in each run, in the order in which the real ones come."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: dict[str, str] = {}

    def put(self, line: str) -> str:
        """Return `line` with everything replaced that another run would print otherwise."""
        line = re.sub(r"\b([0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{8})\b|(?<=\bsrc-)[0-9a-f]{16}\b", self._of, line)
        line = re.sub(r"\b\w{3} \d{4}-\d\d-\d\d \d\d:\d\d", "··· ····-··-·· ··:··", line)
        line = re.sub(r"\b\d{4}-\d\d-\d\d\b( \d\d:\d\d)?", _dots, line)
        line = re.sub(r"\blocalhost:\d+/", "registry.example.com/", line)
        line = re.sub(r"\b\d+ of \d+ runs?\b", "2 of 2 runs", line)
        line = re.sub(r"\b(run|first run) \d+\b", r"\1 12", line)
        line = re.sub(r"\b\d+ completed\b", "2 completed", line)
        line = re.sub(r"\b\d{3,} files", "··· files", line)
        return re.sub(r"\b\d+[sm]\b", "0s", line)

    def _of(self, found: re.Match[str]) -> str:
        number = str(len(self._known)).encode()
        return self._known.setdefault(found[0], hashlib.sha256(number).hexdigest()[: len(found[0])])


def _dots(found: re.Match[str]) -> str:
    return re.sub(r"\d", "·", found[0])


def check(page: Path, type_command: Callable[[str], Iterator[str]]) -> None:
    """Type the commands of `page` and compare what they print; with REWRITE_TRANSCRIPT set, write it instead."""
    written = page.read_text()
    now = _played(written, type_command)
    if REWRITE in os.environ:
        page.write_text(now)
        return
    before, after = written.splitlines(), now.splitlines()
    changed = "\n".join(difflib.unified_diff(before, after, "written", "now", lineterm=""))
    assert not changed, f"{page} shows something else: run this test with {REWRITE}=1, and read\n{changed}"


def _played(page: str, type_command: Callable[[str], Iterator[str]]) -> str:
    """Return the page with what its commands print now."""
    stand_ins = StandIns()

    def block(found: re.Match[str]) -> str:
        lines = [stand_ins.put(line) for command in typed(found[1]) for line in type_command(command)]
        return "\n".join(["```console", *lines, "```"])

    return _BLOCK.sub(block, page)
