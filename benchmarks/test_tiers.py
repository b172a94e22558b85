#!/usr/bin/env python3
"""Measure how long the tests take, on a machine that does nothing else meanwhile.

examples:
  benchmarks/test_tiers.py             `make test-unit` and `make test-mage`: all that need no cluster
  benchmarks/test_tiers.py test-kind   a target of the Makefile
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_COUNTED = re.compile(r"((?:\d+ \w+, )*\d+ \w+) in [\d.]+s")  # pytest's last line


def main(targets: list[str]) -> None:
    """Print a Markdown table: wall clock and processor time in seconds, and what pytest counted."""
    print(f"| target | seconds | processor seconds ({os.cpu_count()} cores) | result |")
    print("| --- | --- | --- | --- |")
    for target in targets:
        print(f"| {target} | {_measured(target)} |", flush=True)


def _measured(target: str) -> str:
    started, before = time.monotonic(), _processor_seconds()
    done = subprocess.run(["make", target], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    seconds, processor = time.monotonic() - started, _processor_seconds() - before
    counted = _COUNTED.findall(done.stdout)
    return f"{seconds:.0f} | {processor:.0f} | {counted[-1] if counted else done.stdout[-500:]}"


def _processor_seconds() -> float:
    """Return the time of processors that our children have taken so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(sys.argv[1:] or ["test-unit", "test-mage"])
