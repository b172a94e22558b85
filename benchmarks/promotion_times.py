#!/usr/bin/env python3
"""Time the commands on synthetic projects of growing size, and draw how the times grow.

Each figure is the median of three runs of the whole command, interpreter included: wall-clock seconds,
processor seconds in brackets (children included), and the largest resident set of any process. Cold means that
nothing is remembered beside the clone. The time of an apply is without its plan and without Mage's own parsers,
which have rows of their own; the processor time in the parsers' row is that of everything after the plan.

examples:
  benchmarks/promotion_times.py 1000                       one size, a Markdown table
  benchmarks/promotion_times.py 100 1000 10000 -o times.svg    several, and the plot
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.growth_plot import plot  # noqa: E402
from benchmarks.synthetic_project import main as write_clone  # noqa: E402

TIMES = 3
ONE = "pipeline_00007"
_ONE_FILE = "mage_project/data_loaders/load_00007.py"
_MAGE_GATE = re.compile(r"Mage loads .* \(([0-9.]+) s\)")
_ALL_WAYS = (("main", "dev"), ("dev", "staging"), ("staging", "prod"))
# What a project of 1,000 pipelines may take, in seconds.
ASKED = {
    "start (--help)": 0.25,
    "plan of all, cold": 2,
    "plan of all, warm": 0.6,
    "apply of all": 2,
    "Mage's own parsers, all": 20,
    "status": 1,
    "plan of one": 0.6,
    "apply of one": 2,
    "Mage's own parsers, one": 3,
}
# Other work on the machine bends lines of wall-clock time: so the processor's time is drawn.
_DRAWN = ("plan of all, cold", "plan of all, warm", "status", "plan of one", "Mage's own parsers, one")


@dataclass(frozen=True)
class Cost:
    """What one command took."""

    seconds: float
    processor: float | None  # seconds of it; None where it is in another row
    mebibytes: float
    mage_gate: float = 0  # seconds in which Mage's own parsers read what changes

    def __str__(self) -> str:
        processor = "" if self.processor is None else f" ({self.processor:.2f})"
        return f"{self.seconds:.2f}{processor} s, {self.mebibytes:.0f} MiB"


@dataclass(frozen=True)
class Clone:
    """A clone of a synthetic project."""

    folder: Path

    def script(self, name: str, *arguments: str) -> Cost:
        """Run one of our commands to its end; 2 is what `--plan` says of changes."""
        command = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *arguments]
        # If it is set, Python compiles everything at each call; people have the byte code of the first call.
        environment = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        told = process.stderr.read() if process.stderr else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        if process.returncode not in (0, 2):
            raise SystemExit(f"{command}: {told}")
        gate = _MAGE_GATE.search(told)
        processor = usage.ru_utime + usage.ru_stime
        return Cost(seconds, processor, usage.ru_maxrss / 1024, float(gate[1]) if gate else 0)

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
    found = {"start (--help)": _median(clone.script("promote", "--help") for _ in range(TIMES))}
    all_of_it = _along_the_chain(clone)
    for ends in _ALL_WAYS:  # brings back what it forgot
        clone.script("promote", *ends, "--plan")
        clone.script("promote", *ends, "-p", ONE, "--plan")
    clone.change(_ONE_FILE)
    one = _along_the_chain(clone, "-p", ONE)
    return found | {
        "plan of all, cold": _median(plan for plan, _, _ in all_of_it),
        "plan of all, warm": _median(plan for _, plan, _ in all_of_it),
        "apply of all": _median(_beyond(plan, apply) for _, plan, apply in all_of_it),
        "Mage's own parsers, all": _median(_in_mage(plan, apply) for _, plan, apply in all_of_it),
        "status": _median(clone.script("status") for _ in range(TIMES)),
        "plan of one": _median(plan for plan, _, _ in one),
        "apply of one": _median(_beyond(plan, apply) for _, plan, apply in one),
        "Mage's own parsers, one": _median(_in_mage(plan, apply) for _, plan, apply in one),
    }


def _along_the_chain(clone: Clone, *selection: str) -> list[tuple[Cost, Cost, Cost]]:
    """Promote from `main` to `prod`; return of each promotion a first plan, a second one and the apply.

    Of a promotion of all, the first plan is a cold one; of a selection it is the first after a change.
    """
    costs = []
    for ends in _ALL_WAYS:
        if not selection:
            clone.forget()
        plan = ("promote", *ends, *selection, "--plan")
        costs.append((clone.script(*plan), clone.script(*plan), clone.script(*plan[:-1], "--yes")))
    return costs


def _beyond(plan: Cost, apply: Cost) -> Cost:
    """Return what a release takes after its plan, without Mage's own parsers."""
    return Cost(apply.seconds - plan.seconds - apply.mage_gate, None, apply.mebibytes)


def _in_mage(plan: Cost, apply: Cost) -> Cost:
    return Cost(apply.mage_gate, (apply.processor or 0) - (plan.processor or 0), apply.mebibytes)


def _median(costs: Iterable[Cost]) -> Cost:
    return sorted(costs, key=lambda cost: cost.seconds)[TIMES // 2]


def _table(found: Mapping[int, Mapping[str, Cost]]) -> Iterator[str]:
    yield "| | goal at 1,000 | " + " | ".join(f"{size:,} pipelines" for size in found) + " |"
    yield "| --- | ---: |" + " ---: |" * len(found)
    for name, seconds in ASKED.items():
        yield f"| {name} | {seconds:g} s | " + " | ".join(str(costs[name]) for costs in found.values()) + " |"


def main(sizes: Sequence[int], picture: Path | None) -> None:
    """Measure every size, smallest first, and print the table."""
    found = {}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="times-") as folder:
            found[size] = measure(size, Path(folder))
    print("\n".join(_table(found)))
    if picture:
        lines = {name: [(size, costs[name].processor or 0) for size, costs in found.items()] for name in _DRAWN}
        picture.write_text(plot("pipelines", "processor seconds", lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", metavar="PIPELINES", type=int, nargs="+")
    parser.add_argument("-o", dest="picture", metavar="FILE", type=Path, help="draw the growth (SVG)")
    options = parser.parse_args()
    main(options.sizes, options.picture)
