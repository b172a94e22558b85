"""The only place that starts another program."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from basics.errors import PromotionError

# A git hook that calls us exports these. With them, our git would use the caller's index or work tree.
_LEAKED = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_WORK_TREE",
)
# We compare and show what programs say, so they must say it in English, whatever the user's language is.
_LANGUAGE = {"LC_ALL": "C", "LANGUAGE": "C"}
_INSTALL = {
    "docker": "install Docker: https://docs.docker.com/engine/install",
    "helm": "install Helm: https://helm.sh/docs/intro/install",
    "kind": "install kind: https://kind.sigs.k8s.io",
    "kubectl": "install kubectl: https://kubernetes.io/docs/tasks/tools",
}
_CREDENTIALS = re.compile(r"(?<=://)[^/\s]+@")


class CommandError(PromotionError):
    """A program failed; the message shows its command, ready to be pasted, and what the program said."""

    def __init__(self, command: Sequence[str], returncode: int, stderr: str, stdout: str = "") -> None:
        shown = without_credentials(shlex.join(command))
        said = without_credentials(stderr.strip())
        super().__init__("command-failed", f"`{shown}` failed with exit code {returncode}:\n{said}")
        self.returncode = returncode
        self.stderr = said
        self.stdout = stdout

    @property
    def last_line(self) -> str:
        """The last line that the program said, or of the message if it said nothing: usually the reason."""
        return (self.stderr or str(self)).splitlines()[-1]


def without_credentials(text: str) -> str:
    """Hide user and password in every URL of `text`."""
    return _CREDENTIALS.sub("…@", text)


def require(*programs: str) -> None:
    """Raise for the first of `programs` that is not installed, before work begins that would fail later."""
    for program in programs:
        if shutil.which(program) is None:
            raise _missing(program)


def run(
    *command: str,
    cwd: Path,
    stdin: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    check: bool = True,
    seconds: float | None = None,
) -> bytes:
    """Run `command` and return its standard output; a failure raises `CommandError` unless `check` is off.

    A command that runs for longer than `seconds` is ended, and has failed.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            input=stdin,
            env=_environment() | dict(environment or {}),
            capture_output=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(command, -signal.SIGKILL, f"not ended after {seconds:g} s") from error
    except FileNotFoundError as error:
        raise _missing(command[0]) from error
    if check and done.returncode:
        stderr, stdout = (said.decode(errors="replace") for said in (done.stderr, done.stdout))
        raise CommandError(command, done.returncode, stderr, stdout)
    return done.stdout


def start(*command: str, cwd: Path) -> subprocess.Popen[bytes]:
    """Start `command` with pipes to its standard input and from its standard output."""
    try:
        return subprocess.Popen(
            command, cwd=cwd, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    except FileNotFoundError as error:
        raise _missing(command[0]) from error


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in _LEAKED}
    return inherited | _LANGUAGE


def _missing(program: str) -> PromotionError:
    return PromotionError(
        "program-missing",
        f"`{program}` is not installed or not on PATH",
        fix=_INSTALL.get(program, f"install {program}"),
    )
