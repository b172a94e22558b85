"""`run.py ENV|PATH`: run pipelines on this machine, against an environment's warehouse on the local server."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from basics.errors import GateRefused, UsageError
from basics.wording import near
from promotion.changes.selection import unknown_pipeline
from promotion.changes.sides import released_tree
from promotion.configuration.environment import Environment, environment_names, load_environment
from promotion.layout import ENVIRONMENTS, PACKAGES, PROJECT
from promotion.pipelines.own_name import project_in
from promotion.pipelines.pipeline import Pipeline
from promotion.pipelines.project import Project
from promotion.repository.git import Repository
from promotion.repository.tree import tree_of_folder
from promotion.showing.result import Result, Shown
from promotion.smoke.first_failure import described, first_failure
from promotion.smoke.warehouse import local_warehouse
from runtime.run import BlockResult, Run, RunResult, run_pipelines

_STYLES = {"completed": "", "failed": "bold red", "skipped": "dim", "upstream_failed": "dim"}


@dataclass(frozen=True)
class _Subject:
    """What to run: a project on disk, and the environment that it runs as."""

    folder: Path
    project: Project
    environment: Environment


def run_locally(
    what: Path | str, names: Sequence[str], days: Sequence[date], *, block: str | None, brief: bool
) -> Iterator[Result]:
    """Run the pipelines `names` (empty: all) of `what`, a folder or the name of an environment.

    With `block`, one of the pipeline that is named, only that runs, after those whose outputs it needs.
    `brief` prints one line per run.

    A pipeline runs once for each of `days`. Without days, or if it takes no day, it runs once for each of its
    smoke variables. After all runs, raises `GateRefused` when one failed.
    """
    with _subject(what) as subject:
        if block:
            _refuse_unknown_block(subject.project, names, block)
        runs = [replace(run, block=block) for run in _runs(subject.project, names, days)]
        project, environment = project_in(subject.folder), subject.environment
        database = f"warehouse_{environment.name}"
        with local_warehouse(subject.project, environment, database, drop=False) as warehouse:
            results: list[RunResult] = []
            documents: list[dict[str, Any]] = []
            for result in run_pipelines(project, runs, environment=warehouse.variables):
                results.append(result)
                documents.append(_document(result))
                lines = list(_lines(result, brief=brief))
                if [each.status for each in results].count("failed") == 1 and result.status == "failed":
                    lines += [(line, "") for line in first_failure([result], _typed(what))]
                yield Shown("runs", documents, lines)
    failed = [result for result in results if result.status != "completed"]
    if failed:
        raise GateRefused(
            "run-failed", f"{len(failed)} of {len(results)} runs failed", fix=_advice(subject.project, failed)
        )


def _typed(what: Path | str) -> str:
    """Return what a person types for `what` in this folder."""
    return "." if what == Path.cwd() else str(what)


# What to run


@contextmanager
def _subject(what: Path | str) -> Iterator[_Subject]:
    if isinstance(what, Path):
        yield _of_folder(what.resolve())
        return
    with Repository.find(Path.cwd()) as repository, tempfile.TemporaryDirectory(prefix="run-") as scratch:
        tree = released_tree(repository, what, "run")
        tree.write_to(Path(scratch))
        yield _Subject(Path(scratch), Project(tree), load_environment(tree, what))


def _of_folder(folder: Path) -> _Subject:
    """Return the project in `folder` as the first environment after `main` would run it."""
    found = (file for root in (PROJECT, PACKAGES, ENVIRONMENTS) for file in (folder / root).rglob("*"))
    files = (file for file in found if file.is_file() or file.is_symlink())
    tree = tree_of_folder(folder, {file.relative_to(folder).as_posix() for file in files})
    names = environment_names(tree)
    if not Project(tree).pipelines or not names:
        missing = f"{PROJECT}/pipelines" if names else ENVIRONMENTS
        raise UsageError("not-a-project", f"{folder} has no {missing}/", fix="name the root of a clone")
    return _Subject(folder, Project(tree), load_environment(tree, names[0]))


def _runs(project: Project, names: Sequence[str], days: Sequence[date]) -> Iterator[Run]:
    """Yield the runs to make, each pipeline after those whose tables it reads."""
    for name in names:
        if name not in project:
            raise unknown_pipeline("the project", name, project.pipelines)
    wanted = list(names) or project.pipelines
    for name in project.needed_first(wanted):
        if name in wanted:
            yield from (Run(name, variables) for variables in _variables(_pipeline(project, name), days))


def _refuse_unknown_block(project: Project, names: Sequence[str], block: str) -> None:
    """Refuse a `block` that is not of the one pipeline that `names` must have."""
    if len(names) != 1:
        raise UsageError("usage", "--block is a block of one pipeline", fix="name the pipeline: -p NAME")
    for name in names:
        if name in project and block not in (known := [each.uuid for each in _pipeline(project, name).blocks]):
            raise UsageError("unknown-block", f"{name} has no block {block}", fix=near(block, known))


def _pipeline(project: Project, name: str) -> Pipeline:
    closure = project.closure(name)
    if closure.pipeline is None:
        raise GateRefused(
            "unreadable", f"{name} cannot be read", fix="fix each finding", findings=closure.findings
        )
    return closure.pipeline


def _variables(pipeline: Pipeline, days: Sequence[date]) -> list[Mapping[str, Any]]:
    declared = list(pipeline.smoke_variables)
    if not days or not any("execution_date" in variables for variables in declared):
        return declared
    return [{"execution_date": day.isoformat()} for day in days]


# Say what happened


def _lines(result: RunResult, *, brief: bool) -> Iterator[tuple[str, str]]:
    """Yield a line for the run and one for each block; `brief` leaves out the blocks that did not fail."""
    seconds = f"{result.seconds:.1f} s"
    count = Counter(block.status for block in result.blocks)
    skipped = f", {count['skipped']} skipped" if count["skipped"] else ""
    blocks = f"{count['completed']} of {len(result.blocks)} blocks{skipped}"
    text = f"{result.pipeline}  {described(result.variables)}".rstrip()
    yield f"{text}  {result.status}, {blocks}, {seconds}", "green" if result.status == "completed" else "bold red"
    width = max((len(block.block) for block in result.blocks), default=0)
    for block in result.blocks:
        if not brief or block.status == "failed":
            yield _block_line(block, width), _STYLES[block.status]
    if result.error and not any(block.error for block in result.blocks):
        yield f"  {result.error}", "bold red"


def _block_line(block: BlockResult, width: int) -> str:
    status = block.status.replace("_", " ")
    rows = "" if block.rows is None else f"{block.rows:,} rows"
    line = f"  {block.block:<{width}}  {status:<15}  {block.seconds:5.1f} s  {rows:>14}".rstrip()
    return f"{line}\n    {block.error}" if block.error else line


def _advice(project: Project, failed: Sequence[RunResult]) -> str:
    """Return the next step; if other pipelines write what a failed one reads, those may have to run first."""
    names = list(dict.fromkeys(result.pipeline for result in failed))
    hints = ["read the errors above"]
    for name in names:
        if needed := [other for other in project.needed_first([name]) if other not in names]:
            hints.append(f"{name} reads what {' and '.join(needed)} wrote: did that run before?")
    return "; ".join(hints)


def _document(result: RunResult) -> dict[str, Any]:
    return {
        "pipeline": result.pipeline,
        "variables": dict(result.variables),
        "status": result.status,
        "seconds": round(result.seconds, 3),
        "error": result.error,
        "blocks": [
            {
                "block": block.block,
                "status": block.status,
                "seconds": round(block.seconds, 3),
                "rows": block.rows,
                "error": block.error,
                "output": block.output,
                "input": list(block.input),
            }
            for block in result.blocks
        ],
    }
