"""Run a command with Mage's database set, as the first process of a pod: `python3 -m mage_pod.block COMMAND…`."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence

from mage_pod import database, memory
from mage_pod.sigterm import end_at_sigterm

# MAGE.md: executor-command
_MAGE = [sys.executable, "-m", "mage_pod.mage_command"]


def main(command: Sequence[str]) -> int:
    """Run the command as a child process, since Mage is deaf to SIGTERM, and return its exit code.

    It is 128 + N if signal N ended the command, and `memory.EXIT_CODE` if that was for want of memory.
    """
    end_at_sigterm()
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
    if code == -signal.SIGKILL and memory.has_run_out():
        return memory.EXIT_CODE
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
