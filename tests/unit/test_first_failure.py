"""What `run.py` and smoke tests say of the first block that failed."""

from __future__ import annotations

from promotion.smoke.first_failure import first_failure
from runtime.run import BlockResult, RunResult

DONE = BlockResult("load", "completed", 1.0, rows=3)
SAID = "\n".join(f"line {number}" for number in range(1, 21)) + "\n\n"
BROKEN = BlockResult("clean:1", "failed", 1.0, error="KeyError", output=SAID, input=["load: list of 3"])
NEVER = BlockResult("write", "upstream_failed", 0.0)


def run_of(*blocks: BlockResult, **variables: str) -> RunResult:
    return RunResult("orders", variables, "failed", 2.0, blocks, "failed: clean")


def test_input_last_words_and_the_command_for_the_block_are_told() -> None:
    lines = first_failure([run_of(DONE, DONE), run_of(DONE, BROKEN, NEVER, execution_date="2013-02-08")], "dev")
    assert lines[:2] == ["first failure: block clean:1 of orders (2013-02-08)", "  input   load: list of 3"]
    assert lines[2:-1] == [f"  log     line {number}" for number in range(11, 21)]
    assert lines[-1] == "  alone   scripts/run.py dev -p orders --days 2013-02-08 --block clean"


def test_only_the_first_failure_is_told() -> None:
    again = BlockResult("other", "failed", 1.0)
    assert not any("other" in line for line in first_failure([run_of(BROKEN, again), run_of(again)], "."))


def test_a_run_that_failed_without_a_block_has_none() -> None:
    assert first_failure([run_of(NEVER)], ".") == []


def test_variables_that_no_option_takes_are_told_but_not_typed() -> None:
    lines = first_failure([run_of(BROKEN, region="eu")], "a team's clone")
    assert lines[0].endswith("(region=eu)")
    assert lines[-1] == """  alone   scripts/run.py 'a team'"'"'s clone' -p orders --block clean"""
