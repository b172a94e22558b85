#!/usr/bin/env python3
"""Measure what one process for many pipelines saves over one `mage run` each.

examples:
  benchmarks/run_in_one_process.py             20 pipelines; 3 `mage run`s, extrapolated to 20
  benchmarks/run_in_one_process.py 20 20       20 pipelines; 20 `mage run`s
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from mage.projects import Block, write_project  # noqa: E402
from runtime.run import Run, run_pipelines  # noqa: E402

LOAD = """
    import pandas as pd
    @data_loader
    def load(*args, **kwargs):
        return pd.DataFrame({'n': [1, 2, 3]})
"""
DOUBLE = "@transformer\ndef double(data, *args, **kwargs):\n    return data * 2\n"


def main(pipelines: int = 20, mage_runs: int = 3) -> None:
    """Print a table of both ways to run `pipelines` pipelines of two blocks; seconds of wall clock."""
    blocks = [Block("load", LOAD, type="data_loader"), Block("double", DOUBLE, ["load"])]
    names = [f"pipeline_{number}" for number in range(pipelines)]
    with tempfile.TemporaryDirectory() as scratch:
        project = write_project(Path(scratch), dict.fromkeys(names, blocks))
        one_each = [_mage_run(project, name, scratch) for name in names[:mage_runs]]
        together = _together(project, names)
    each = statistics.mean(one_each) * pipelines
    how = "" if mage_runs >= pipelines else f"  (extrapolated from {mage_runs} runs)"
    print(f"{pipelines} pipelines of two blocks, {os.cpu_count()} cores")
    print(f"  one `mage run` each   {each:6.1f} s   {each / pipelines:5.2f} s each{how}")
    print(f"  one process for all   {together:6.1f} s   {together / pipelines:5.2f} s each")
    print(f"  faster by             {each / together:6.1f} times")


def _mage_run(project: Path, pipeline: str, data: str) -> float:
    command = [sys.executable, "-P", "-m", "mage_ai.cli.main", "run", str(project), pipeline]
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, cwd=data, env=os.environ | {"MAGE_DATA_DIR": data})
    return time.monotonic() - started


def _together(project: Path, pipelines: list[str]) -> float:
    started = time.monotonic()
    results = list(run_pipelines(project, [Run(name) for name in pipelines], environment={}))
    assert {result.status for result in results} == {"completed"}, results
    return time.monotonic() - started


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
