"""`new.py`: write a pipeline or a block into the clone."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from basics.errors import UsageError
from basics.yaml_file import load_mapping
from promotion.changes.selection import unknown_pipeline
from promotion.layout import PROJECT
from promotion.pipelines.project import Project
from promotion.pipelines.skeleton import block_file, pipeline_files, with_block
from promotion.repository.tree import tree_of_folder
from promotion.showing.result import Result, Shown

# What Mage keeps as it is typed, Python can import and Kubernetes takes as a label (63 characters, with a prefix).
_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")


def new_pipeline(root: Path, name: str) -> Iterator[Result]:
    """Write the pipeline `name` with its test into the clone at `root`."""
    project = _project(root)
    _check_name(name)
    if name in project:
        raise UsageError("name-taken", f"there is a pipeline {name}", fix="choose another name")
    yield _written(root, pipeline_files(project, name), f"scripts/run.py . -p {name}")


def new_block(root: Path, name: str, pipeline: str | None, kind: str) -> Iterator[Result]:
    """Write the block `name` and put it behind the last block of `pipeline`."""
    project = _project(root)
    _check_name(name)
    if pipeline is None:
        raise UsageError("usage", "a block belongs to a pipeline", fix="name it: -p NAME")
    if pipeline not in project:
        raise unknown_pipeline("the project", pipeline, project.pipelines)
    metadata = f"{PROJECT}/pipelines/{pipeline}/metadata.yaml"
    now = load_mapping(metadata, project.tree.text(metadata))
    if name in [block.get("uuid") for block in now.get("blocks") or []]:
        raise UsageError("name-taken", f"{pipeline} has a block {name}", fix="choose another name")
    text = with_block(now, name, kind)
    files = block_file(project, name, kind)
    command = f"scripts/run.py . -p {pipeline} --block {name}"
    yield _written(root, files, command, changed={metadata: text})


def _project(root: Path) -> Project:
    files = (file.relative_to(root).as_posix() for file in (root / PROJECT).rglob("*") if file.is_file())
    tree = tree_of_folder(root, set(files))
    if not tree:
        raise UsageError("not-a-project", f"{root} has no {PROJECT}/", fix="go to the root of a clone")
    return Project(tree)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        fix = "begin with a lower-case letter; then letters, digits and `_`, 50 at most, and no word of Python"
        raise UsageError("bad-name", f"{name!r} is no name that Mage, Python and Kubernetes all take", fix=fix)


def _written(
    root: Path, files: Mapping[str, str], command: str, *, changed: Mapping[str, str] | None = None
) -> Result:
    """Write `files`, then what is `changed` by them; a file with another content is in the way."""
    for path, text in files.items():
        if (root / path).exists() and (root / path).read_text(errors="replace") != text:
            raise UsageError("name-taken", f"there is a file {path}", fix="choose another name")
    for path, text in {**files, **(changed or {})}.items():  # what makes Mage see the others comes last
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.new")
        new.write_text(text)
        new.replace(file)
    lines = [
        (f"{'changed' if path in (changed or {}) else 'new'}  {path}", "") for path in (*files, *(changed or ()))
    ]
    document = {"files": [*files, *(changed or ())], "next": command}
    return Shown("new", document, [*lines, (f"try it: {command}", "bold")])
