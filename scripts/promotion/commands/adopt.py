"""`adopt.py FOLDER`: bring a Mage project that exists into this repository, on a branch of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from basics import progress
from promotion.adopting.apply import is_prepared, prepare
from promotion.adopting.plan import plan_adoption
from promotion.commands.question import ask, refuse_without_terminal
from promotion.repository.git import Repository
from promotion.showing.adoption import ShownAdoption, next_steps
from promotion.showing.result import Result, Shown

_CHANGES_PLANNED = 2  # the exit code


def adopt(repository: Repository, folder: Path, *, mode: str) -> Iterator[Result]:
    """Bring the Mage project in `folder` to a new branch, as one commit, and say what is left to a person."""
    with progress.step(f"read {folder}"):
        repository.identity()
        adoption = plan_adoption(repository, folder)
    if not adoption.is_empty:
        refuse_without_terminal(mode)
    yield ShownAdoption(adoption, exit_code=_CHANGES_PLANNED if mode == "plan" and not adoption.is_empty else 0)
    if mode == "plan" or adoption.is_empty:
        return
    if not is_prepared(repository, adoption):
        ask(mode, f"Make the branch {adoption.branch}?", "no branch was made")
        prepare(repository, adoption)
    yield Shown("prepared", {"branch": adoption.branch}, next_steps(adoption, []))
