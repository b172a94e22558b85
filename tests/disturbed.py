"""Commands that are disturbed: killed or cut off before any of their git commands, or overtaken by somebody."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from helpers import call_script, command, git, remote_of, write_program
from mage_pod.waiting import until

GIT = shutil.which("git")


@dataclass(frozen=True)
class Step:
    """One git command of a promotion, before which something happens."""

    number: int
    folder: Path

    @property
    def reached(self) -> bool:
        """Whether there were as many git commands."""
        return int((self.folder / "calls").read_text()) >= self.number

    def variables(self) -> dict[str, str]:
        """Return what a command needs in its environment to find our `git`."""
        return {"PATH": f"{self.folder}:{os.environ['PATH']}"}


def steps(clone: Path, happens: str) -> Iterator[Step]:
    """Yield the steps of one command after the other, until one has fewer; `happens` are lines of shell.

    A `git` in front of the real one on PATH counts the calls.
    """
    folder = clone.parent / "programs"
    for number in count(1):
        write_program(
            folder / "git",
            f"""
            read -r calls < "{folder}/calls"
            echo $((calls += 1)) > "{folder}/calls"
            if [ $calls = {number} ]; then {happens}
            fi
            exec "{GIT}" "$@"
            """,
        )
        (folder / "calls").write_text("0")
        step = Step(number, folder)
        yield step
        if not step.reached:
            assert number > 5, "these are not all git commands of a promotion"
            return


def in_a_process_of_its_own(clone: Path, *words: str, **variables: str) -> int:
    """Run a script in a copy of this process, which has imported everything, and return its exit code."""
    child = os.fork()
    if not child:
        try:
            os._exit(call_script(clone, *words, **variables).exit_code)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at_every_step(clone: Path, *words: str) -> Iterator[int]:
    """Run a script again and again, killed before its first git command, its second…; yield each exit code.

    The git command itself goes on without whoever started it, and the next try finds what that left behind.
    """
    ended = clone.parent / "ended"
    for step in steps(clone, f'kill -9 $PPID; "{GIT}" "$@"; touch "{ended}"; exit'):
        exit_code = in_a_process_of_its_own(clone, *words, **step.variables())
        if exit_code:
            assert exit_code == -signal.SIGKILL
            until(ended.exists, "git ended")
            ended.unlink()
        yield exit_code
        if not exit_code:
            return


def another_clone(clone: Path, name: str = "other clone") -> Path:
    """Make another clone of the same remote, beside this one."""
    git(clone.parent, "clone", "--quiet", str(remote_of(clone)), name)
    return clone.parent / name


def by_somebody_else(clone: Path, script: str, *arguments: str) -> str:
    """Return the shell lines by which another person runs a script in another clone, once."""
    other, done = another_clone(clone), clone.parent / "done"
    words = " ".join(f"'{word}'" for word in command(script, *arguments, "--yes"))
    return f"""
if [ ! -e "{done}" ]; then
  touch "{done}"
  (unset $(git rev-parse --local-env-vars); cd "{other}" && GIT_COMMITTER_NAME=Eve {words} >&2)
fi"""


def meanwhile(clone: Path, script: str, *arguments: str, before: str = "push") -> dict[str, str]:
    """Return the variables under which somebody else runs a script between the plan and the push of a promotion.

    The first `git push`, or the first command with the word `before`, waits for it: a `git` in front of the real
    one on PATH sees to that.
    """
    programs = clone.parent / "programs"
    somebody = by_somebody_else(clone, script, *arguments)
    write_program(programs / "git", f'case " $* " in *" {before} "*){somebody}\n;; esac\nexec "{GIT}" "$@"')
    return {"PATH": f"{programs}:{os.environ['PATH']}"}
