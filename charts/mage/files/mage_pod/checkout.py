"""Let all blocks of a run use one checkout of the project, although a newer one comes into its place.

With git-sync a checkout is a commit; git-sync keeps older ones for a day. Without it the project is in the image;
then a checkout is a copy of that, which the scheduler makes in the folder MAGE_POD_CHECKOUTS. The `metrics` of a
run's row hold the name of the checkout that it began with, and the number of the release.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mage_pod import kept_copies, release, run_image

_KEY, _RELEASE, _COPIES = "commit", "release", "MAGE_POD_CHECKOUTS"


def are_kept() -> bool:
    """Whether older checkouts stay: git-sync's, or copies of the image's project."""
    return _link() is not None or _COPIES in os.environ


def release_number() -> int | None:
    """Return the number of the release that a run begins with now; None if it is not known."""
    link = _link()
    return release.number(link.resolve() if link else None)


def adapt() -> None:
    """Make this process and its forks read each run's own checkout. Call it once, when Mage is up."""
    # MAGE.md: run-mixes-commits
    from mage_ai.data_preparation.executors.block_executor import BlockExecutor
    from mage_ai.orchestration.db.models.schedules import PipelineRun
    from mage_ai.orchestration.pipeline_scheduler import PipelineScheduler

    PipelineRun.pipeline = property(_pipeline)
    PipelineScheduler.__init__ = _with_its_pipeline(PipelineScheduler.__init__)
    BlockExecutor.execute = _importing_from_it(BlockExecutor.execute)


def enter(command: Sequence[str]) -> list[str]:
    """Make this process read pipelines from the checkout that `run CHECKOUT …` names; return the command to run.

    Mage still gets the project's usual path: it finds the project's rows in its database by that path.
    """
    verb, checkout, *arguments = command
    project = os.environ.get("MAGE_REPO_PATH", checkout)
    if checkout != project and Path(checkout).is_dir():
        from mage_ai.data_preparation.models.pipeline import Pipeline

        # MAGE.md: run-mixes-commits
        get = Pipeline.get
        Pipeline.get = lambda uuid, **options: get(uuid, **{**options, "repo_path": checkout})
        _import_from(Path(checkout))
    return [verb, project, *arguments]


class _Place(NamedTuple):
    """Where checkouts are."""

    root: Path  # the folder around the project in its usual path
    here: Path  # where the files of the newest checkout are read
    newest: Path  # the newest checkout; older ones are beside it


def _place() -> _Place:
    if link := _link():
        return _Place(link, link.resolve(), link.resolve())
    project = Path(os.environ["MAGE_REPO_PATH"]).resolve()
    return _Place(project.parent, project.parent, kept_copies.copy_of(project, Path(os.environ[_COPIES])))


def _link() -> Path | None:
    """Return the link that git-sync sets, a folder around the project; None where the project is in the image."""
    around = Path(os.environ["MAGE_REPO_PATH"]).parents
    return next((folder for folder in around if folder.is_symlink()), None)


def _import_from(project: Path) -> None:
    """Put the checkout that holds `project` first on Python's path: its packages, and the project itself."""
    root = project.resolve().parent
    sys.path[:0] = [str(root / "packages"), str(root)]


def _pipeline(run: Any) -> Any:
    from mage_ai.data_preparation.models.pipeline import Pipeline

    return Pipeline.get(run.pipeline_uuid, repo_path=str(_project_of(run)))


def _project_of(run: Any) -> Path:
    """Return the project in the checkout that the run began with; in the newest if that one is gone."""
    project, place = Path(os.environ["MAGE_REPO_PATH"]), _place()
    commit = (run.metrics or {}).get(_KEY)
    if commit is None:
        commit = place.newest.name
        began = {_KEY: commit, _RELEASE: release_number(), **run_image.seen()}
        run.update(metrics={**(run.metrics or {}), **began})
    older = place.newest.parent / commit
    checkout = older if commit != place.newest.name and older.is_dir() else place.here
    return checkout / project.relative_to(place.root)


def _with_its_pipeline(init: Callable[..., None]) -> Callable[..., None]:
    def with_its_pipeline(scheduler: Any, run: Any) -> None:
        init(scheduler, run)
        scheduler.pipeline = run.pipeline

    return with_its_pipeline


def _importing_from_it(execute: Callable[..., Any]) -> Callable[..., Any]:
    def importing_from_it(executor: Any, **options: Any) -> Any:
        _import_from(Path(executor.pipeline.repo_path))
        return execute(executor, **options)

    return importing_from_it
