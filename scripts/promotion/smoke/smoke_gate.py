"""The smoke gate: the composed tree, run twice on fixed input, must leave the same tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from basics import progress
from basics.errors import Finding, GateRefused
from basics.wording import few
from promotion.configuration.environment import Environment
from promotion.layout import PROJECT
from promotion.pipelines.project import Project
from promotion.planning.plan import Plan
from promotion.record.release import Evidence
from promotion.repository.git import MAIN
from promotion.repository.tree import Tree
from promotion.smoke.first_failure import command, described, first_failure
from promotion.smoke.sandboxes.kind import kind_sandbox
from promotion.smoke.sandboxes.local import local_sandbox
from runtime.run import Run, RunResult
from runtime.tables import TableState

Tables = Mapping[str, TableState]


class Sandbox(Protocol):
    """Where the composed tree runs, against source data and a warehouse that nobody else uses."""

    def run(self, runs: Sequence[Run]) -> Iterator[RunResult]:
        """Do `runs` in turn, each when its result is asked for."""

    def tables(self, ignore: Collection[str]) -> Tables:
        """Return the state of the warehouse's tables; see `snapshot`."""


_SANDBOXES: Mapping[str, Callable[[Tree, Environment], AbstractContextManager[Sandbox]]] = {
    "local": local_sandbox,
    "kind": kind_sandbox,
}


def smoke(plan: Plan) -> dict[str, Evidence]:
    """Prove the pipelines that the plan must prove, at least one; raise `GateRefused` when one of them fails.

    The pipelines whose tables they read run first, each on the fixed variables of its `promotion.yaml`.
    """
    runs = [
        Run(name, variables)
        for name in plan.draft.project.needed_first(list(plan.verdict.due))
        for variables in _declared(plan.draft.project, name)
    ]
    kind = plan.request.smoke
    started = time.monotonic()
    with (
        _SANDBOXES[kind](plan.draft.tree, plan.request.environment) as sandbox,
        progress.step(f"smoke: two runs of {few(plan.verdict.due)}"),
    ):
        _refuse_differences(*_tables_after_each(sandbox, runs, plan))
    seconds = round(time.monotonic() - started, 1)
    return {
        name: Evidence(plan.draft.keys[name], kind, plan.draft.number, 2 * len(runs), seconds)
        for name in plan.verdict.due
    }


def _declared(project: Project, name: str) -> Sequence[Mapping[str, object]]:
    pipeline = project.closure(name).pipeline
    return pipeline.smoke_variables if pipeline else ()


def _volatile(project: Project) -> list[str]:
    pipelines = [project.closure(name).pipeline for name in project.pipelines]
    return [name for pipeline in pipelines if pipeline for name in pipeline.volatile]


def _tables_after_each(sandbox: Sandbox, runs: Sequence[Run], plan: Plan) -> list[Tables]:
    """Do `runs` twice; return the tables after the first time and after the second."""
    volatile = _volatile(plan.draft.project)
    source = plan.request.source.endpoint.environment
    place = "." if source == MAIN else source
    states: list[Tables] = []
    results: list[RunResult] = []
    for result in sandbox.run([*runs, *runs]):
        results.append(result)
        if len(results) % len(runs) == 0:
            _refuse_failures(results, place)
            states.append(sandbox.tables(volatile))
    return states


def _refuse_failures(results: Sequence[RunResult], place: str) -> None:
    findings = [finding for result in results for finding in _failures(result, place)]
    if findings:
        raise GateRefused(
            "smoke-failed",
            "\n".join(["a pipeline failed; nothing was released", *first_failure(results, place)]),
            fix="correct it and try again",
            findings=findings,
        )


def _failures(result: RunResult, place: str) -> Iterator[Finding]:
    if result.status == "completed":
        return
    path = f"{PROJECT}/pipelines/{result.pipeline}"
    day = f" ({described(result.variables)})" if result.variables else ""
    failed = [block for block in result.blocks if block.status == "failed"]
    for block in failed:
        problem = f"block {block.block}{day}: {block.error or 'failed'}"
        yield Finding(path, None, "block-failed", problem, f"run it: {command(result, block, place)}")
    if not failed:
        yield Finding(
            path, None, "run-failed", f"the run{day}: {result.error or 'failed'}", "read the error above"
        )


def _refuse_differences(first: Tables, second: Tables) -> None:
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
