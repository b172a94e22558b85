"""What git-sync v4 does with the settings that the chart gives it, for clusters that cannot pull its image."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

# Of git-sync's settings those that are understood here; any other is an error.
KNOWN = (
    "REPO",
    "REF",
    "PERIOD",
    "ROOT",
    "LINK",
    "GROUP_WRITE",
    "MAX_FAILURES",
    "STALE_WORKTREE_TIMEOUT",
    "ERROR_FILE",
)
UNITS = {"s": 1, "m": 60, "h": 3600}


def main() -> None:
    """Sync until SIGTERM, which also git-sync's first process passes on."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    given = {
        name.removeprefix("GITSYNC_"): value for name, value in os.environ.items() if name.startswith("GITSYNC_")
    }
    if unknown := sorted(given.keys() - set(KNOWN)):
        sys.exit(f"these settings of git-sync are not understood here: {', '.join(unknown)}")
    root = Path(given["ROOT"])
    error_file = root / given["ERROR_FILE"]
    if given.get("GROUP_WRITE") == "true":
        os.umask(0o002)
    failures = 0
    while True:
        try:
            sync(root, given)
            failures = 0
            error_file.unlink(missing_ok=True)
        except subprocess.CalledProcessError as error:
            failures += 1
            report = {
                "Msg": "error syncing repo, will retry",
                "Err": error.stderr,
                "Args": {"failCount": failures},
            }
            error_file.write_text(json.dumps(report))
            print(report, flush=True)
            if 0 <= int(given["MAX_FAILURES"]) < failures:
                sys.exit(1)
        time.sleep(seconds(given["PERIOD"]))


def seconds(duration: str) -> int:
    """Read a duration such as 30s."""
    return int(duration[:-1]) * UNITS[duration[-1]]


def sync(root: Path, given: dict[str, str]) -> None:
    """Fetch, check out beside what is there, and let the link point to it."""
    git(root, "init", "--quiet")
    git(root, "fetch", "--quiet", "--depth=1", given["REPO"], given["REF"])
    commit = git(root, "rev-parse", "FETCH_HEAD")
    link, worktree = root / given["LINK"], Path(".worktrees") / commit
    if link.is_symlink() and link.readlink() == worktree:
        return
    if not (root / worktree).exists():
        git(root, "worktree", "add", "--quiet", "--detach", str(worktree), commit)
    new = root / "new-link"
    new.symlink_to(worktree)
    new.rename(link)
    print(f"updated to {commit}", flush=True)
    remove_stale(root, worktree, seconds(given["STALE_WORKTREE_TIMEOUT"]))


def remove_stale(root: Path, current: Path, timeout: int) -> None:
    """Remove the checkouts that were left longer ago."""
    for worktree in (root / ".worktrees").iterdir():
        if worktree.name != current.name and time.time() - worktree.stat().st_mtime > timeout:
            git(root, "worktree", "remove", "--force", str(worktree))


def git(root: Path, *arguments: str) -> str:
    """Run git in the root and return what it printed."""
    command = ["git", "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
