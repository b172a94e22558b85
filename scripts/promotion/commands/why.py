"""`promote.py why PIPELINE FILE`: the references by which a pipeline needs a file, or what the file belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from basics.errors import UsageError
from basics.wording import near
from promotion.changes.selection import unknown_pipeline
from promotion.changes.sides import main_side, released_side
from promotion.layout import ENVIRONMENTS, PACKAGES, PLATFORM_AND_PROJECT, PROJECT
from promotion.pipelines.chain import Link, chain_to
from promotion.pipelines.own_name import own_names
from promotion.pipelines.project import Project
from promotion.repository.git import MAIN, Repository
from promotion.repository.tree import Tree
from promotion.repository.work_tree import read_work_tree
from promotion.showing.findings import finding_lines
from promotion.showing.result import Result, Shown


def why(repository: Repository, pipeline: str, file: str, place: str | None) -> Iterator[Result]:
    """Explain why `pipeline` needs `file` in `place`: in `main`, an environment, or (None) the work tree."""
    tree, told = _tree(repository, place), place or "the work tree"
    project = Project(tree)
    if pipeline not in project:
        raise unknown_pipeline(told, pipeline, project.pipelines)
    path = _path(repository.root, tree, told, file)
    closure = project.closure(pipeline)
    chain = chain_to(tree, closure, path) if path in closure.files else []
    others = [name for name in project.users([path])[path] if name != pipeline]
    lines = list(_needed(pipeline, chain, others) if chain else _not_needed(pipeline, path, others))
    if not chain and closure.findings:
        lines += [
            ("These references could not be followed:", ""),
            *finding_lines(closure.findings),
        ]
    yield Shown("why", _document(pipeline, path, told, chain, others), lines)


def _tree(repository: Repository, place: str | None) -> Tree:
    if place is None:
        return read_work_tree(repository.root)
    repository.fetch()
    return (main_side(repository) if place == MAIN else released_side(repository, place)).tree


def _path(root: Path, tree: Tree, place: str, file: str) -> str:
    """Return the path in `tree` of `file`, typed as a path from the clone's root or the current folder."""
    here = Path.cwd() / file
    typed = (file, str(here.relative_to(root)) if here.is_relative_to(root) else file)
    names = _folders(tree)
    own = [f"{PROJECT}{path.removeprefix(name)}" for path in typed for name in names if path.startswith(name)]
    for path in (*typed, *own):
        if path in tree:
            return path
    raise UsageError("unknown-file", f"{place} has no file {file!r}", fix=near(file, tree.under(PROJECT)))


def _folders(tree: Tree) -> list[str]:
    """Return what the project's folder is called beside its path, where the project has a name of its own."""
    return [folder for name in own_names(tree) for folder in (name, f"{PACKAGES}/{name}")]


def _needed(pipeline: str, chain: Sequence[Link], others: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield f"{pipeline} needs {chain[-1].file}:", "bold"
    for link in chain:
        yield f"  {link.where or pipeline} → {link.file}  {link.reason}", ""
    if others:
        yield f"So do {', '.join(others)}: an environment has one version of it.", "yellow"


def _not_needed(pipeline: str, path: str, others: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield f"{pipeline} does not need {path}:", "bold"
    yield f"  {_belongs_to(path, others)}", ""


def _belongs_to(path: str, others: Sequence[str]) -> str:
    if others:
        return f"it belongs to {', '.join(others)}"
    if path.startswith(f"{ENVIRONMENTS}/"):
        return f"it configures {path.split('/')[1]}, and comes from main with each release of it"
    if path.startswith(tuple(f"{root}/" for root in PLATFORM_AND_PROJECT)) or path in PLATFORM_AND_PROJECT:
        return "no pipeline needs it, so it belongs to the platform: promotions of everything take it"
    return "no release holds it"


def _document(
    pipeline: str, path: str, place: str, chain: Sequence[Link], others: Sequence[str]
) -> dict[str, Any]:
    return {
        "pipeline": pipeline,
        "file": path,
        "place": place,
        "needed": bool(chain),
        "chain": [vars(link) for link in chain],
        "others": list(others),
        "belongs_to": None if chain else _belongs_to(path, others),
    }
