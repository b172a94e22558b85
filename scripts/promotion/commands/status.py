"""`status.py`: the matrix pipelines × environments, the holds and the releases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from basics import progress
from basics.errors import UsageError
from basics.kubectl import Namespace
from basics.output_file import write_file
from basics.wording import few, near
from promotion.changes.sides import released_side
from promotion.cluster.details import Details, read_details
from promotion.cluster.live import read_live
from promotion.cluster.target import Target
from promotion.configuration.environment import load_environment
from promotion.layout import ENVIRONMENTS
from promotion.record.release import Release
from promotion.repository.git import MAIN, Repository
from promotion.showing.result import Result, Shown
from promotion.status.document import matrix_document
from promotion.status.live import live_lines, live_sections
from promotion.status.matrix import Column, read_matrix
from promotion.status.page import page
from promotion.status.text import matrix_lines


def status(repository: Repository, only: str | None, html: Path | None, *, live: bool = False) -> Iterator[Result]:
    """Show every environment, or `only` one with its releases; `html` is a file to write the page to.

    With `live` also what the clusters run that the policies state.
    """
    matrix = read_matrix(repository)
    if only is not None:
        known = [column.name for column in matrix.columns if column.name != MAIN]
        if only not in known:
            raise UsageError("unknown-environment", f"there is no environment {only!r}", fix=near(only, known))
    now = datetime.now(UTC)
    shown = [column for column in matrix.columns if only in (None, column.name)]
    found = _live(repository, shown, now) if live else {}
    lines = [*matrix_lines(matrix, shown, now), *live_lines(found, shown)]
    yield Shown("status", matrix_document(matrix, shown, now, found), lines)
    if html is not None:
        write_file(html, page(matrix, now, live_sections(found)))


def _live(repository: Repository, columns: Sequence[Column], now: datetime) -> dict[str, Details]:
    """Ask the cluster of each environment that has a release; raise `UsageError` where no policy states one."""
    stated = {
        column.name: (Namespace(place.namespace or column.name, context=place.context), column.current)
        for column in columns
        if column.current and column.policy and (place := column.policy.cluster).context
    }
    if not stated:
        problem = "no environment that is shown has a release, and a policy that says in which cluster it is"
        fix = f"write on main, in {ENVIRONMENTS}/<env>/policy.yaml, and push: cluster: {{context: NAME}}"
        raise UsageError("no-context", problem, fix=fix)
    with progress.step(f"ask the cluster of {few(list(stated))}"):
        return {name: _details(repository, name, *place, now) for name, place in stated.items()}


def _details(repository: Repository, name: str, place: Namespace, current: Release, now: datetime) -> Details:
    schedules = load_environment(released_side(repository, name).tree, name).schedules
    return read_details(read_live(name, place, current), Target(name, place), current, schedules, now)
