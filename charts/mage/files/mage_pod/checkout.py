"""Let all blocks of a run use one commit, although git-sync replaces the project with newer commits.

The `metrics` of a run's row hold the commit that it began with; git-sync keeps older checkouts for a day.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_KEY = "commit"


def is_followed() -> bool:
    """Whether the project comes from git: then a folder around it is a link, which git-sync sets."""
    return _link().is_symlink()


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
    if checkout != project:
        from mage_ai.data_preparation.models.pipeline import Pipeline

        # MAGE.md: run-mixes-commits
        get = Pipeline.get
        Pipeline.get = lambda uuid, **options: get(uuid, **{**options, "repo_path": checkout})
        _import_from(Path(checkout))
    return [verb, project, *arguments]


def _link() -> Path:
    """Return the link that git-sync sets, a folder around the project; without git-sync, the next one."""
    around = Path(os.environ["MAGE_REPO_PATH"]).parents
    return next((folder for folder in around if folder.is_symlink()), around[0])


def _import_from(project: Path) -> None:
    """Put the checkout that holds `project` first on Python's path: its packages, and the project itself."""
    root = project.resolve().parent
    sys.path[:0] = [str(root / "packages"), str(root)]


def _pipeline(run: Any) -> Any:
    from mage_ai.data_preparation.models.pipeline import Pipeline

    return Pipeline.get(run.pipeline_uuid, repo_path=str(_project_of(run)))


def _project_of(run: Any) -> Path:
    """Return the project in the checkout that the run began with; in the newest if git-sync removed that one."""
    project, link = Path(os.environ["MAGE_REPO_PATH"]), _link()
    newest = link.resolve()
    commit = (run.metrics or {}).get(_KEY)
    if commit is None:
        commit = newest.name
        run.update(metrics={**(run.metrics or {}), _KEY: commit})
    checkout = newest.parent / commit
    return (checkout if checkout.is_dir() else newest) / project.relative_to(link)


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
