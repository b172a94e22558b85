#!/usr/bin/env python3
"""Time the commands on synthetic projects of growing size, and draw how the times grow.

Each figure is the median of some runs of the whole command, interpreter included; memory is the largest
resident set of any. Cold means that nothing is remembered beside the clone.

examples:
  benchmarks/promotion_times.py 1000                       one size, a Markdown table
  benchmarks/promotion_times.py 100 1000 10000 -o times.svg    several, and the plot
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.growth_plot import plot  # noqa: E402
from benchmarks.synthetic_project import main as write_clone  # noqa: E402

TIMES = 5
ONE = "pipeline_00007"
_ONE_FILE = "mage_project/data_loaders/load_00007.py"
_MAGE_GATE = re.compile(r"Mage loads .* \(([0-9.]+) s\)")


@dataclass(frozen=True)
class Cost:
    """What one command took."""

    seconds: float
    mebibytes: float
    mage_gate: float = 0  # seconds of it in which Mage's own parsers read what changes


@dataclass(frozen=True)
class Clone:
    """A clone of a synthetic project, promoted as far as `prod`."""

    folder: Path

    def script(self, name: str, *arguments: str) -> Cost:
        """Run one of our commands to its end; 2 is what `--plan` says of changes."""
        command = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *arguments]
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        told = process.stderr.read() if process.stderr else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        if process.returncode not in (0, 2):
            raise SystemExit(f"{command}: {told}")
        gate = _MAGE_GATE.search(told)
        return Cost(seconds, usage.ru_maxrss / 1024, float(gate[1]) if gate else 0)

    def forget(self) -> None:
        """Remove what is remembered."""
        shutil.rmtree(self.folder / ".git" / "promotion", ignore_errors=True)

    def change(self, path: str) -> None:
        """Change a file on main."""
        file = self.folder / path
        file.write_text(f"{file.read_text()}# {time.time()}\n")
        self.git("commit", "--quiet", "--all", "--message=Change")
        self.git("push", "--quiet", "origin", "main")

    def git(self, *arguments: str) -> None:
        """Run git in the clone."""
        subprocess.run(["git", *arguments], cwd=self.folder, check=True)


def measure(pipelines: int, folder: Path) -> dict[str, Cost]:
    """Return the median cost of each command on a project of that size."""
    write_clone(pipelines, folder)
    clone = Clone(folder / "clone")
    found = {"start (--help)": _median(lambda: clone.script("promote", "--help"))}
    found |= _apply("apply all to dev", clone.script("promote", "main", "dev", "--yes"))
    plan_all = ("promote", "dev", "staging", "--plan")
    found |= {"plan all, cold": _median(lambda: clone.script(*plan_all), before=clone.forget)}
    found |= {"plan all, warm": _median(lambda: clone.script(*plan_all))}
    found |= _apply("apply all to staging", clone.script("promote", "dev", "staging", "--yes"))
    clone.script("promote", "staging", "prod", "--yes")
    found |= {"status": _median(lambda: clone.script("status"))}
    clone.change(_ONE_FILE)
    found |= {"plan after one changed": clone.script("promote", "main", "dev", "--plan")}
    clone.script("promote", "main", "dev", "--yes")
    one = ("promote", "dev", "staging", "-p", ONE)
    found |= {"plan of one": _median(lambda: clone.script(*one, "--plan"))}
    return found | _apply("apply of one", clone.script(*one, "--yes"))


def _apply(name: str, cost: Cost) -> dict[str, Cost]:
    """Return the cost of a release without Mage's own parsers, and theirs."""
    gate = Cost(cost.mage_gate, cost.mebibytes)
    return {name: Cost(cost.seconds - cost.mage_gate, cost.mebibytes), f"{name}: Mage's own parsers": gate}


def _median(run: Callable[[], Cost], before: Callable[[], None] = lambda: None) -> Cost:
    costs = []
    for _ in range(TIMES):
        before()
        costs.append(run())
    return Cost(statistics.median(cost.seconds for cost in costs), max(cost.mebibytes for cost in costs))


def _table(found: Mapping[int, Mapping[str, Cost]]) -> Iterator[str]:
    yield "| command | " + " | ".join(f"{size:,} pipelines" for size in found) + " |"
    yield "| --- |" + " ---: |" * len(found)
    for name in next(iter(found.values())):
        cells = (f"{costs[name].seconds:.2f} s, {costs[name].mebibytes:.0f} MiB" for costs in found.values())
        yield f"| {name} | " + " | ".join(cells) + " |"


def main(sizes: Sequence[int], picture: Path | None) -> None:
    """Measure every size and print the table."""
    found = {}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="times-") as folder:
            found[size] = measure(size, Path(folder))
    print("\n".join(_table(found)))
    if picture:
        names = ("plan all, cold", "plan all, warm", "status", "plan of one", "apply of one")
        lines = {name: [(size, costs[name].seconds) for size, costs in found.items()] for name in names}
        picture.write_text(plot("pipelines", "seconds", lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", metavar="PIPELINES", type=int, nargs="+")
    parser.add_argument("-o", dest="picture", metavar="FILE", type=Path, help="draw the growth (SVG)")
    options = parser.parse_args()
    main(options.sizes, options.picture)
