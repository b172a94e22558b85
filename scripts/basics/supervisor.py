"""Run one command so that neither it nor anything that it starts outlives the process that asked for it.

    python supervisor.py LIFELINE STOP_SIGNAL GRACE USER COMMAND…

LIFELINE is the read end of a pipe. Its only write end belongs to that process: when it dies, even by SIGKILL, the
pipe closes. Then, or on SIGTERM, the command gets STOP_SIGNAL, and GRACE seconds later SIGKILL; so does whatever
it left behind. USER is the id to run the command as (-1: ours); that user may then enter folders that only we may
enter, because a checkout below /root has to work too.

This program runs in isolated mode with the standard library alone: it has to start in a few milliseconds.
It has loops of its own, because it has to reap processes while it waits for one.
"""

import contextlib
import ctypes
import os
import pwd
import select
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

# linux/prctl.h, linux/capability.h
_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_SET_CHILD_SUBREAPER = 36
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION = 0x20080522


def main(lifeline: int, stop: int, grace: float, user: int, command: list[str]) -> int:
    """Run `command` until it ends or must end; return its exit code (128 + signal if a signal ended it)."""
    os.set_inheritable(lifeline, False)
    wake = _wake_on_signals()
    _adopt_orphans()
    child = _start(command, user)
    status = _wait(child, lifeline, wake)
    if status is None:
        os.kill(child, stop)
        status = _wait_at_most(child, grace)
    _end_all(child)
    code = -signal.SIGKILL if status is None else os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _wake_on_signals() -> int:
    """Return a descriptor that yields one byte, its number, for every SIGCHLD, SIGTERM or SIGINT."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return read


def _adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies, so that none escapes `_end_all`."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, *values: int) -> None:
    """Ask Linux for something about this process; other systems do without."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, *(values + (0,) * 4)[:4])


def _start(command: list[str], user: int) -> int:
    """Start `command` at the head of a new session, as `user`."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        if user >= 0:
            _become(user)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # in case the supervisor is killed
        os.execvp(command[0], command)  # noqa: S606 a list, never a shell string
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
    finally:
        os._exit(127)


def _become(user: int) -> None:
    """Change from root to `user`; of root's powers, keep only the one to enter closed folders."""
    os.setgroups([])
    os.setgid(pwd.getpwuid(user).pw_gid)
    _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)  # or access(2), which initdb calls, ignores that power
    os.setuid(user)
    if sys.platform == "linux":
        mask = 1 << _CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
        sets = (ctypes.c_uint32 * 6)(mask, mask, mask)  # effective, permitted, inheritable
        ctypes.CDLL(None).capset(header, sets)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE)


def _wait(child: int, lifeline: int, wake: int) -> int | None:
    """Wait until `child` has ended (its status) or a signal or the lifeline asks for its end (None)."""
    while True:
        ready, _, _ = select.select([lifeline, wake], [], [])
        for ended, status in _reap():
            if ended == child:
                return status
        if lifeline in ready or set(os.read(wake, 64)) - {signal.SIGCHLD}:
            return None


def _wait_at_most(child: int, seconds: float) -> int | None:
    """Wait for `child` to end; return its status, or None when it did not end in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for ended, status in _reap():
            if ended == child:
                return status
        time.sleep(0.02)
    return None


def _end_all(child: int) -> None:
    """SIGKILL every descendant until there are none: the children of each one that dies become ours."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        list(_reap())
        children = _children()
        if not children:
            return
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _reap() -> Iterator[tuple[int, int]]:
    """Collect every child, adopted ones included, that has ended."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended


def _children() -> list[int]:
    """Return our children that still run (on Linux; elsewhere none, and only the process group was killed)."""
    with contextlib.suppress(OSError):
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    return []


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]))
