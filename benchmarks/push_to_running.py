#!/usr/bin/env python3
"""Measure what it takes from a push to `main` until the new version has run in a cluster, by step.

Each round changes a block of the example and types what a person types: push, promote, deploy. The deployment ends
when every pod is of the release and `helm test` has run a pipeline of it.

examples:
  benchmarks/push_to_running.py kind-mage localhost:5000/mage              five rounds, a Markdown table
  benchmarks/push_to_running.py kind-mage localhost:5000/mage --rounds 9

The first is a context of kubectl: the namespace `push-to-running` is made there, and removed. The second is a
repository of images that this machine may push to, and the cluster's nodes pull from.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMESPACE = "push-to-running"
BLOCK = "mage_project/custom/confirm_answers.py"
COMMANDS = ("git push --quiet origin main", "scripts/promote.py main dev --yes", "scripts/deploy.py dev --yes")
# What Docker, Kubernetes and the pipeline need themselves; every other step is ours.
THEIRS = {"build": "build the image", "push localhost": "push it", "install": "install", "helm test": "helm test"}
_STEP = re.compile(r"^✓ (.+) \(([\d.]+) s\)$", re.MULTILINE)


def main(context: str, repository: str, rounds: int) -> None:
    """Make a first release, then measure `rounds` changes of it; print a table."""
    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        clone = _clone(Path(folder), context, repository)
        try:
            _round(clone, 0)
            for number in range(1, rounds + 1):
                for step, took in _round(clone, number).items():
                    seconds[step].append(took)
        finally:
            words = ["kubectl", f"--context={context}", "delete", "namespace", NAMESPACE, "--ignore-not-found"]
            subprocess.run(words, check=True, stdout=sys.stderr)
    print(_table(seconds))


def _clone(folder: Path, context: str, repository: str) -> Path:
    """Make a clone of this commit, whose dev is in the cluster and asks for the static gate alone."""
    clone = folder / "clone"
    _run(f"git clone --quiet --bare '{ROOT}' remote.git && git clone --quiet remote.git clone", folder)
    _run("git checkout --quiet -B main", clone)
    cluster = f"cluster: {{context: {context}, namespace: {NAMESPACE}}}"
    (clone / "environments/dev/policy.yaml").write_text(f"source: main\ngates: [static]\n{cluster}\n")
    (clone / "environments/registry.yaml").write_text(f"repository: {repository}\n")
    return clone


def _round(clone: Path, number: int) -> dict[str, float]:
    """Change a block, and bring it into the cluster; return the seconds of each step."""
    block = clone / BLOCK
    block.write_text(f"{block.read_text().rstrip()}\n# change {number}\n")
    _run(f"git commit --quiet --all --message 'Change {number}'", clone)
    took: dict[str, float] = {}
    for command in COMMANDS:
        begun = time.monotonic()
        told = {_named(step): float(seconds) for step, seconds in _STEP.findall(_run(command, clone))}
        took |= told
        took[f"{command.split()[0]}: the rest"] = time.monotonic() - begun - sum(told.values())
    return took


def _named(step: str) -> str:
    """Return the step's name without what is another in each round."""
    theirs = (name for begin, name in THEIRS.items() if step.startswith(begin))
    return next(theirs, re.sub(r"\d+", "N", step))


def _run(command: str, folder: Path) -> str:
    """Run a command as in a shell whose `python3` is this one; return what it tells of its progress."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{command}: {done.stderr}")
    return done.stderr


def _table(seconds: Mapping[str, Sequence[float]]) -> str:
    """Return the medians, and the share of each in what Docker, Kubernetes and the pipeline need."""
    medians = {step: statistics.median(took) for step, took in seconds.items()}
    theirs = sum(median for step, median in medians.items() if step in THEIRS.values())
    lines = ["| step | whose | median, s | share of theirs |", "| --- | --- | ---: | ---: |"]
    for step, median in medians.items():
        whose = "theirs" if step in THEIRS.values() else "ours"
        lines.append(f"| {step} | {whose} | {median:.1f} | {median / theirs:.0%} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("context")
    parser.add_argument("repository")
    parser.add_argument("--rounds", type=int, default=5)
    main(**vars(parser.parse_args()))
