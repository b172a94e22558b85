"""Run a command with Mage's database set, as the first process of a pod: `python3 -m mage_pod.block COMMAND…`."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import NoReturn

from mage_pod import database

# MAGE.md: executor-command
_MAGE = [sys.executable, "-m", "mage_pod.mage_command"]


def main(command: Sequence[str]) -> int:
    """Run the command and return its exit code: 128 + N if signal N ended it.

    The command is a child process: the first process of a container gets no signal that it has no handler for,
    and Mage has none.
    """
    # MAGE.md: deaf-to-sigterm
    signal.signal(signal.SIGTERM, _end)
    try:
        database.configure()
    except database.DatabaseSettingsError as error:
        sys.exit(str(error))
    program, *arguments = command
    with subprocess.Popen([*(_MAGE if program == "mage" else [program]), *arguments]) as process:
        try:
            code = process.wait()
        except SystemExit:
            process.terminate()
            raise
    return code if code >= 0 else 128 - code


def _end(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
