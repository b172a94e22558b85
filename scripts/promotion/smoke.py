"""The smoke gate on this machine: the composed tree, run twice on fixed input, must leave the same tables."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from promotion.errors import Finding, GateRefused
from promotion.plan import Plan
from promotion.project import FOLDER, Project
from promotion.release import Evidence
from promotion.story import Story
from promotion.warehouse import local_warehouse
from runtime.run import Run, RunResult, run_pipelines
from runtime.tables import TableState, snapshot

KIND = "local"


def smoke(plan: Plan, story: Story) -> dict[str, Evidence]:
    """Prove the pipelines that the plan has to prove; raise `GateRefused` when one of them fails.

    The pipelines whose tables they read run first, each on the fixed variables of its `promotion.yaml`.
    """
    if not plan.due:
        return {}
    runs = [
        Run(name, variables)
        for name in plan.project.needed_first(list(plan.due))
        for variables in _declared(plan.project, name)
    ]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="smoke-") as folder:
        plan.tree.write_to(Path(folder))
        _prove_repeatable(plan, Path(folder) / FOLDER, runs, story)
    seconds = round(time.monotonic() - started, 1)
    return {name: Evidence(plan.keys[name], KIND, plan.number, 2 * len(runs), seconds) for name in plan.due}


def _declared(project: Project, name: str) -> Sequence[Mapping[str, object]]:
    pipeline = project.closure(name).pipeline
    return pipeline.smoke_variables if pipeline else ()


def _prove_repeatable(plan: Plan, project: Path, runs: Sequence[Run], story: Story) -> None:
    volatile = [
        name
        for pipeline in (plan.project.closure(name).pipeline for name in plan.project.pipelines)
        if pipeline
        for name in pipeline.volatile
    ]
    database = f"smoke_{secrets.token_hex(4)}"
    with local_warehouse(project, plan.request.environment, database, story, drop=True) as warehouse:
        states: list[Mapping[str, TableState]] = []
        results: list[RunResult] = []

        def look(result: RunResult) -> None:
            results.append(result)
            if len(results) % len(runs) == 0:
                _refuse_failures(results)
                states.append(snapshot(warehouse.url, ignore=volatile))

        with story.step(f"smoke: two runs of {', '.join(plan.due)}"):
            # Nothing else writes to this warehouse: what a sensor does not find at once, it never will.
            run_pipelines(
                project, [*runs, *runs], environment=warehouse.variables, on_result=look, sensor_seconds=1
            )
    _refuse_differences(*states)


def _refuse_failures(results: Sequence[RunResult]) -> None:
    findings = [finding for result in results for finding in _failures(result)]
    if findings:
        raise GateRefused(
            "smoke-failed",
            "a pipeline failed; nothing was released",
            fix="mend it and try again",
            findings=findings,
        )


def _failures(result: RunResult) -> Iterator[Finding]:
    if result.status == "completed":
        return
    path = f"{FOLDER}/pipelines/{result.pipeline}"
    day = ", ".join(f"{name}={value}" for name, value in result.variables.items())
    failed = [block for block in result.blocks if block.status == "failed"]
    for block in failed:
        problem = f"block {block.block} ({day}): {block.error or 'failed'}"
        yield Finding(path, None, "block-failed", problem, f"run it: scripts/run.py . -p {result.pipeline}")
    if not failed:
        yield Finding(path, None, "run-failed", f"({day}): {result.error or 'failed'}", "read the error above")


def _refuse_differences(first: Mapping[str, TableState], second: Mapping[str, TableState]) -> None:
    findings = []
    for table in sorted({*first, *second}):
        before, after = first.get(table), second.get(table)
        if before != after:
            rows = f"{before.rows if before else 'no'} rows, then {after.rows if after else 'no'}"
            problem = f"the second run on the same input changed the table: {rows}"
            fix = "write by key (upsert), or declare the column in smoke.volatile of promotion.yaml"
            findings.append(Finding(table, None, "not-repeatable", problem, fix))
    if findings:
        raise GateRefused(
            "smoke-not-repeatable",
            "a second run leaves other tables; nothing was released",
            fix="make the pipeline idempotent and try again",
            findings=findings,
        )
