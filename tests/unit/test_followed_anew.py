"""Of a project that is like another only what may have become another is followed anew: never too little."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import PROJECT, block, change_files, metadata_of, tree_of, write, write_pipeline
from mage.random_projects import RandomProject, random_projects
from promotion.pipelines.project import Project
from promotion.repository.tree import Tree

CLEAN, READ = f"{PROJECT}/transformers/clean.py", f"{PROJECT}/custom/read.py"
READS = """\
import glob
import importlib
import os
from mage_ai.settings.repo import get_repo_path
from mage_project import tools
import maybe
open(os.path.join(get_repo_path(), 'data/prices.csv'))
glob.glob(get_repo_path() + '/sql/*.sql')
"""


@pytest.fixture
def reading(sources: Path) -> Path:
    """The project of the other tests with a pipeline that asks for more than it finds."""
    write_pipeline(sources, "reads", [block("read", "custom")])
    write(sources, {READ: READS, f"{PROJECT}/tools/first.py": "", f"{PROJECT}/sql/first.sql": "select 1\n"})
    return sources


# What is changed (None: removed), and the pipelines that this makes others, if only by what they lack.
CHANGES: Mapping[str, tuple[Mapping[str, str | None], set[str]]] = {
    "nothing": ({}, set()),
    "a file of one pipeline": ({READ: READS + "# newer\n"}, {"reads"}),
    "a file of several": ({CLEAN: "newer = 1\n"}, {"orders", "returns"}),
    "a file that nobody asks for": ({f"{PROJECT}/notes/later.md": "later\n"}, set()),
    "a file that is there now": ({f"{PROJECT}/data/prices.csv": "1,2\n"}, {"reads"}),
    "a module that is there now": ({f"{PROJECT}/maybe.py": "import os\n"}, {"reads"}),
    "a folder that is a package now": ({f"{PROJECT}/maybe/deep/inside.py": ""}, {"reads"}),
    "a folder that is gone": ({f"{PROJECT}/tools/first.py": None}, {"reads"}),
    "another file in a folder that is there": ({f"{PROJECT}/tools/second.py": ""}, set()),
    "one more file that a pattern fits": ({f"{PROJECT}/sql/second.sql": "select 2\n"}, {"reads"}),
    "a file of a pattern that is gone": ({f"{PROJECT}/sql/first.sql": None}, {"reads"}),
    "a file in the folder of a pipeline": ({f"{PROJECT}/pipelines/stock/notes.md": "later\n"}, {"stock"}),
    "what a pipeline needs": ({f"{PROJECT}/pipelines/stock/promotion.yaml": "needs: [orders]\n"}, {"stock"}),
    "a new pipeline": ({metadata_of("more"): "blocks: []\n"}, {"more"}),
    "a pipeline that is gone": ({metadata_of("reads"): None}, set()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_change_may_concern_is_followed_anew_and_no_more(reading: Path, change: str) -> None:
    before = Project(tree_of(reading))
    files, concerned = CHANGES[change]
    change_files(reading, files)
    tree = tree_of(reading)
    after, anew = Project(tree, like=before), Project(tree)
    assert after.renewed == concerned
    assert after.summaries == anew.summaries
    assert [after.closure(name) for name in after.pipelines] == [anew.closure(name) for name in anew.pipelines]


@settings(max_examples=150, derandomize=True, deadline=None)
@given(old=random_projects(), new=random_projects(), data=st.data())
def test_a_project_is_the_same_however_it_was_found(
    tmp_path_factory: pytest.TempPathFactory, old: RandomProject, new: RandomProject, data: st.DataObject
) -> None:
    """Some files go and some of another project come: who refers to what becomes another."""
    gone = data.draw(st.sets(st.sampled_from(sorted(old.files))), label="gone")
    come = data.draw(st.sets(st.sampled_from(sorted(new.files))), label="come")
    mixed = {path: text for path, text in old.files.items() if path not in gone}
    mixed |= {path: new.files[path] for path in come if not _in_the_way(path, mixed)}
    trees = [_tree(tmp_path_factory, files) for files in (old.files, mixed)]
    before, anew = map(Project, trees)
    assert Project(trees[1], like=before).summaries == anew.summaries


def _in_the_way(path: str, files: Mapping[str, str]) -> bool:
    return any(other.startswith(f"{path}/") or path.startswith(f"{other}/") for other in files)


def _tree(tmp_path_factory: pytest.TempPathFactory, files: Mapping[str, str]) -> Tree:
    folder = tmp_path_factory.mktemp("drawn")
    write(folder, {f"{PROJECT}/{path}": text for path, text in files.items()})
    return tree_of(folder)
