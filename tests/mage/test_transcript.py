"""The tutorial is what happens: a test types its commands, one after the other, and compares what they print.

Ids and digests become stand-ins (equal ones stay equal). Moments become dots, and so does the number of all
files of a release.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import ROOT, git, repository_files, run_at_most

PAGES = [ROOT / "docs/bring-your-project.md", ROOT / "docs/tutorial.md"]
ADDRESS = "https://git.example.com/your-team/mage.git"
REWRITE = "REWRITE_TRANSCRIPT"
SECONDS = 60

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PROMPT = "$ "


def serve_work_tree(folder: Path) -> dict[str, str]:
    """Put the files of this checkout, committed or not, on `main` of a repository; return how git finds it."""
    for name, file in repository_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, folder / name, follow_symlinks=False)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{folder}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def typed(block: str) -> list[str]:
    """Return the commands of a block."""
    return [line.removeprefix(_PROMPT) for line in block.splitlines() if line.startswith(_PROMPT)]


class Terminal:
    """Where commands are typed; it keeps its folder from one to the next."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self._folder = folder
        self._variables = variables

    def type(self, command: str) -> Iterator[str]:
        """Run `command` and yield what the terminal then shows."""
        yield f"{_PROMPT}{command}"
        if command.startswith("cd "):
            self._folder /= command.removeprefix("cd ")
            return
        result = run_at_most(SECONDS, ["bash", "-c", command], self._folder, **self._variables)
        yield from result.stdout.splitlines()
        yield from (
            line for line in result.stderr.splitlines() if not line.startswith("✓ ")
        )  # seconds of each step
        if result.exit_code:
            yield f"exit code {result.exit_code}"


class StandIns:
    """Ids that are the same in each run, in the order in which the real ones come."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def put(self, line: str) -> str:
        """Return `line` with everything replaced that another run would print otherwise."""
        line = re.sub(r"\b[0-9a-f]{8}\b|(?<=\bsrc-)[0-9a-f]{16}\b", self._of, line)
        line = re.sub(r"\w{3} \d{4}-\d\d-\d\d \d\d:\d\d", "··· ····-··-·· ··:··", line)
        line = re.sub(r"\b\d{4}-\d\d-\d\d\b", "····-··-··", line)
        line = re.sub(r"\b\d{3,} files", "··· files", line)
        return re.sub(r"\b\d+[sm]\b", "0s", line)

    def _of(self, found: re.Match[str]) -> str:
        number = str(len(self._known)).encode()
        return self._known.setdefault(found[0], hashlib.sha256(number).hexdigest()[: len(found[0])])


def played(page: str, terminal: Terminal) -> str:
    """Return the page with what its commands print now."""
    stand_ins = StandIns()

    def block(found: re.Match[str]) -> str:
        lines = [stand_ins.put(line) for command in typed(found[1]) for line in terminal.type(command)]
        return "\n".join(["```console", *lines, "```"])

    return _BLOCK.sub(block, page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_is_what_its_commands_print(tmp_path: Path, page: Path) -> None:
    server = tmp_path / "server"
    server.mkdir()
    variables = serve_work_tree(server)
    written = page.read_text()
    now = played(written, Terminal(tmp_path, variables))
    if REWRITE in os.environ:
        page.write_text(now)
    else:
        assert written == now, f"{page} shows something else: run `make reference`, and read what changed"
