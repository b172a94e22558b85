"""What a person asks next about the first block that failed: its input, its last words, how to run it alone."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runtime.run import BlockResult, RunResult

_LINES = 10  # of what the block printed
_WIDTH = 200  # characters of a line


def first_failure(results: Sequence[RunResult], place: str) -> list[str]:
    """Return the lines about the first failed block of `results`; none if no block failed.

    `place` is what `run.py` takes for the tree: a folder or an environment.
    """
    for result in results:
        for block in result.blocks:
            if block.status == "failed":
                return list(_lines(result, block, place))
    return []


def _lines(result: RunResult, block: BlockResult, place: str) -> Iterator[str]:
    day = described(result.variables)
    yield f"first failure: block {block.block} of {result.pipeline}{f' ({day})' if day else ''}"
    yield from (f"  input   {each[:_WIDTH]}" for each in block.input)
    printed = [line.rstrip() for line in (block.output or "").splitlines() if line.strip()]
    yield from (f"  log     {line[:_WIDTH]}" for line in printed[-_LINES:])
    yield f"  alone   {command(result, block, place)}"


def command(result: RunResult, block: BlockResult, place: str) -> str:
    """Return the command that runs the block again, with the blocks that it needs and nothing else."""
    words = ["scripts/run.py", place, "-p", result.pipeline]
    if set(result.variables) == {"execution_date"}:
        words += ["--days", str(result.variables["execution_date"])]
    return shlex.join([*words, "--block", block.block.partition(":")[0]])


def described(variables: Mapping[str, Any]) -> str:
    """Return the variables of a run as people write them: the day alone, or `name=value`."""
    return ", ".join(
        str(value) if name == "execution_date" else f"{name}={value}" for name, value in variables.items()
    )
