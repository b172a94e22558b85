"""Pipelines that only got another name: the content of a removed pipeline is there under a new name."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping

from basics.errors import Malformed
from basics.yaml_file import load_mapping
from promotion.layout import PROJECT
from promotion.pipelines.project import Project

_NAMES = ("name", "uuid")  # what Mage changes in metadata.yaml when the folder is renamed


def renamed(before: Project, gone: Iterable[str], after: Project, come: Iterable[str]) -> Mapping[str, str]:
    """Return, for each pipeline of `come` that is a renamed one of `gone`, its old name.

    Several pipelines with the same content are left out: nothing tells which became which.
    """
    gone, come = list(gone), list(come)
    if not (gone and come):
        return {}
    olds, news = _by_content(before, gone), _by_content(after, come)
    return {
        news[content][0]: olds[content][0]
        for content in olds.keys() & news.keys()
        if len(olds[content]) == len(news[content]) == 1
    }


def _by_content(project: Project, names: Iterable[str]) -> Mapping[Hashable, list[str]]:
    found: dict[Hashable, list[str]] = defaultdict(list)
    for name in names:
        found[_content(project, name)].append(name)
    return found


def _content(project: Project, name: str) -> Hashable:
    """Return everything that the pipeline `name` consists of, without its name."""
    folder = f"{PROJECT}/pipelines/{name}/"
    files = {path: project.tree[path] for path in project.closure(name).files}
    oids = {path: file.oid for path, file in files.items()}
    if (metadata := f"{folder}metadata.yaml") in files:
        oids[metadata] = _nameless(project, metadata)
    return frozenset((path.removeprefix(folder), file.mode, oids[path]) for path, file in files.items())


def _nameless(project: Project, path: str) -> str:
    """Return the content of a metadata.yaml without the pipeline's name."""
    try:
        content = load_mapping(path, project.tree.text(path))
    except Malformed:  # the static gate reports it
        return project.tree[path].oid
    return json.dumps({key: value for key, value in content.items() if key not in _NAMES}, default=str)
