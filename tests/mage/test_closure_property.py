"""The closure alone, laid into an empty project, runs as the whole project does; and needs every file of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from helpers import PROJECT, WHOLE_IO_CONFIG, tree_of, write
from mage.one_mage import OneMage, one_mage
from mage.random_projects import RandomProject, random_projects
from promotion.changes.selection import needed_pipelines
from promotion.pipelines.project import Project
from runtime.binding import bind_locally
from runtime.postgres import Server
from runtime.source_data import DATABASE as SOURCE

PLATFORM = {
    f"{PROJECT}/metadata.yaml": "project_type: standalone\nproject_uuid: test\n",
    f"{PROJECT}/io_config.yaml": WHOLE_IO_CONFIG,
}


@pytest.fixture(scope="module")
def mage(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[OneMage]:
    environment = bind_locally(WHOLE_IO_CONFIG, ["default"], {}, [], server, SOURCE)
    with one_mage(tmp_path_factory.mktemp("one mage"), environment) as running:
        yield running


@pytest.mark.timeout(900)  # to shrink a project that fails takes minutes
@settings(max_examples=30, derandomize=True, deadline=None, phases=[Phase.generate, Phase.shrink])
@given(drawn=random_projects(), data=st.data())
def test_the_closure_alone_runs_like_the_whole_project(
    mage: OneMage, tmp_path_factory: pytest.TempPathFactory, drawn: RandomProject, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("drawn")
    write(folder, PLATFORM | {f"{PROJECT}/{path}": text for path, text in drawn.files.items()})
    tree = tree_of(folder)
    project = Project(tree)
    pipelines = with_needed(project, drawn.pipelines)
    closure = {path for name in pipelines for path in project.closure(name).files}
    assert [finding for name in pipelines for finding in project.closure(name).findings] == []

    whole = mage.run(tree, pipelines)
    assert [outcome.error for outcome in whole] == [None] * len(pipelines), "the project itself is broken"
    alone = mage.run(tree.only(closure | PLATFORM.keys()), pipelines)
    assert alone == whole, "the closure lacks a file"
    shown = "".join(printed for outcome in whole for _, _, printed in outcome.blocks)
    speaking = (path for path in closure if not path.endswith((".yaml", ".sql")))
    unused = [path for path in speaking if path.removeprefix(f"{PROJECT}/") not in shown]
    assert unused == [], "the closure has files that no run needs"
    spared = data.draw(st.sampled_from(sorted(closure)), label="left out")
    less = mage.run(tree.only(closure - {spared} | PLATFORM.keys()), pipelines)
    assert less != whole, f"the closure has {spared}, which no run needs"


def with_needed(project: Project, names: Sequence[str]) -> list[str]:
    """Return the last of `names` and all whose runs it needs, in the order of `names`."""
    wanted: set[str] = set()
    waiting = [names[-1]]
    while waiting:
        name = waiting.pop()
        wanted.add(name)
        files = project.closure(name).files
        products = {other for other in names if f"{PROJECT}/pipelines/{other}/metadata.yaml" in files}
        waiting += (products | needed_pipelines(project, name)) - wanted
    return [name for name in names if name in wanted]
