"""The Tab key in real shells, turned on by the very lines of docs/how-to/completion.md."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers import SCRIPTS, environment
from promotion.options import VERBS
from terminal import at_terminal

PAGE = SCRIPTS.parent / "docs/how-to/completion.md"
HOME = "~/mage-environments"
ENVIRONMENTS = {"dev", "staging", "prod"}
# All that may be typed next is put on the line, and the line on the screen.
ALL, TO_START, TO_END = "\x1b*", "\x01", "\x05"
ZSH_ALL = """
bindkey -e
zstyle ':completion:all-matches::::' completer _all_matches _complete
zstyle ':completion:all-matches:*' insert true
zstyle ':completion:all-matches:*' old-matches false
zle -C all-matches complete-word _generic
bindkey '^[*' all-matches
"""


def lines_of_the_page(shell: str) -> str:
    """Return what the page says for `shell`, with the clone where it is."""
    (lines,) = re.findall(rf"```{shell}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert isinstance(lines, str)
    assert HOME in lines
    return lines.replace(HOME, shlex.quote(str(SCRIPTS.parent)))


def typed(folder: Path, keys: str, *command: str) -> str:
    """Return what `command` shows in `folder` on a terminal on which somebody types `keys`."""
    variables = environment(HOME=str(folder), ZDOTDIR=str(folder), TERM="dumb", COLUMNS="500")
    return at_terminal(command, folder, variables, keys.encode())[1]


def after_a_tab(folder: Path, line: str, *command: str) -> list[str]:
    """Return the words that a shell, which reads lines as `command`, puts on the line after `line`."""
    begin, *_ = line.rpartition(" ")
    keys = f"{line}{ALL}{TO_START}echo 'words: {TO_END}' | tr -s ' '\nexit\n"
    (told,) = re.findall(r"\nwords: (.*)", typed(folder, keys, *command).replace("\r", ""))
    assert isinstance(told, str)
    return told.removeprefix(begin).split()


def in_bash(folder: Path, line: str) -> list[str]:
    (folder / "rc").write_text(lines_of_the_page("bash"))
    return after_a_tab(folder, line, "bash", "--noprofile", "--rcfile", "rc", "-i")


def in_zsh(folder: Path, line: str) -> list[str]:
    lines = lines_of_the_page("zsh")
    (folder / ".zshrc").write_text(f"autoload -Uz compinit && compinit -u\n{lines}{ZSH_ALL}")
    return after_a_tab(folder, line, "zsh", "--no-globalrcs", "-i")


def in_fish(folder: Path, line: str) -> list[str]:
    script = f"{lines_of_the_page('fish')}\ncomplete --do-complete '{line}'"
    shown = subprocess.run(
        ["fish", "--no-config", "--command", script],
        cwd=folder,
        env=environment(HOME=str(folder)),
        capture_output=True,
        text=True,
        check=True,
    )
    return [candidate.partition("\t")[0] for candidate in shown.stdout.splitlines()]


Complete = Callable[[Path, str], list[str]]


@pytest.fixture(params=[in_bash, in_zsh, in_fish], ids=["bash", "zsh", "fish"])
def complete(request: pytest.FixtureRequest) -> Complete:
    shell = request.param.__name__.removeprefix("in_")
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed: apt install {shell}")
    if shell == "fish" and " " in str(SCRIPTS):
        pytest.skip("argcomplete writes the path for fish without quotes: clone into a path without a space")
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def clone(project: Path) -> Path:
    """A clone whose `scripts/` are these."""
    (project / "scripts").symlink_to(SCRIPTS)
    return project


@pytest.mark.parametrize(
    ("line", "candidates"),
    [
        ("scripts/promote.py ", {*VERBS, "main", *ENVIRONMENTS}),
        ("scripts/promote.py dev ", ENVIRONMENTS),
        ("scripts/promote.py dev staging -p ", {"orders", "returns", "stock"}),
        ("scripts/promote.py dev staging --re", {"--reason", "--release-hold"}),
        ("scripts/promote.py why re", {"returns"}),
        ("scripts/promote.py backfill prod --w", {"--waive"}),
        ("scripts/promote.py explain sh", {"shallow-clone", "shared-file"}),
        ("scripts/smoke.py dev staging --on ", {"local", "kind"}),
        ("scripts/status.py st", {"staging"}),
        ("scripts/promote.py apply READ", {"README.md"}),
        ("scripts/promote.py main dev --emergency s", {"smoke", "soak"}),
    ],
)
def test_the_tab_key_completes(clone: Path, complete: Complete, line: str, candidates: set[str]) -> None:
    assert set(complete(clone, line)) == candidates
