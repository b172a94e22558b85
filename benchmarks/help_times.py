#!/usr/bin/env python3
"""Measure how long each script takes to print its help, beside a Python that does nothing.

examples:
  benchmarks/help_times.py         11 calls of each, in turns; prints medians
  benchmarks/help_times.py 31      31 calls
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

ROOT = Path(__file__).resolve().parents[1]
NOTHING = "python -c pass"
PROMISE = 0.25  # seconds


def main(calls: int = 11) -> None:
    """Print a table of medians, in seconds of processor time: on a busy machine the clock time means nothing."""
    scripts = sorted(path for path in (ROOT / "scripts").glob("*.py") if path.stem != "in_venv")
    commands = {NOTHING: [sys.executable, "-c", "pass"]}
    commands |= {f"{path.name} --help": [sys.executable, str(path), "--help"] for path in scripts}
    taken = {name: [0.0] * calls for name in commands}
    for call in range(calls):
        for name, command in commands.items():
            taken[name][call] = _seconds(command)
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    for name, seconds in medians.items():
        print(f"{name:<26}  {seconds:5.3f} s  {seconds / medians[NOTHING]:4.1f} ×")
    slowest = max(medians.values())
    print(f"the slowest takes {slowest / PROMISE:.2f} of {PROMISE} s")


def _seconds(command: list[str]) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
