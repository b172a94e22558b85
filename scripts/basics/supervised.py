"""Start a command under `supervisor.py`: it ends when we end, whatever the reason."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_SUPERVISOR = Path(__file__).with_name("supervisor.py")


@contextmanager
def supervised(
    command: Sequence[str | Path],
    *,
    stop: signal.Signals = signal.SIGTERM,
    grace: float = 10,
    user: int | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int | IO[Any] = subprocess.DEVNULL,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    pass_fds: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` for the length of the `with` block, then stop it and everything that it started.

    It gets the signal `stop`, and SIGKILL after `grace` seconds. `user` is the id of the user to run it as (root
    only). The yielded process has the command's exit code, or 128 + the signal's number if a signal ended the
    command.
    """
    lifeline, ours = os.pipe()
    supervisor = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(lifeline), str(int(stop)), str(grace)]
    try:
        process = subprocess.Popen(
            [*supervisor, str(-1 if user is None else user), *map(str, command)],
            env=environment,
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=(lifeline, *pass_fds),
            start_new_session=True,  # Ctrl-C in our terminal is for us alone
        )
    finally:
        os.close(lifeline)
    try:
        yield process
    finally:
        os.close(ours)
        process.wait()
